"""The inclined mass: a spring, friction, and an electromagnet that a forecast model drives."""
