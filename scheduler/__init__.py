"""The ground floor: the shared language (events, commands, PCM) and the conductor that decides."""
