"""LibreChat's remoteAgents role permission."""
