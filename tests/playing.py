"""Episodes by a list of decisions, and pictures that show the same, for tests."""


def play(env, actions, seed=3):
    """What each step returns, to the end of the episode."""
    env.reset(seed=seed)
    told = []
    for action in actions:
        told.append(env.step(int(action)))
        if told[-1][2]:
            break
    return told


def check_alike(one, two, most=24):
    """Two pictures, (height, width, 3), that show the same but for ``most`` pixels.

    pygame draws some antialiased pixels otherwise from surface to surface, by where their memory lies.
    """
    assert one.shape == two.shape
    differ = (one != two).any(axis=2).sum()
    assert differ <= most, f"{differ} pixels differ"
