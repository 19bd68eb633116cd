"""The OpenAI Realtime protocol, apart from any socket: types, errors, inbound and outbound mapping."""
