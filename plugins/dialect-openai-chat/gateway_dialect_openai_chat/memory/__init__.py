"""Conversations of agents that remember (`memory: server`), for clients that send their last message only.

Unlike the dialect beside it, this waits for the store. keeper.py: what a call is given; hearing.py: what is kept of its
reply; names.py: which conversation it is in.
"""
