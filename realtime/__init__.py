"""The roof: sessions, the OpenAI Realtime protocol, the websocket, settings and the command line."""
