"""Episodes for people: the game, films, notebooks."""
