"""What clients of Open Responses leave here and come back to. Read `keeper.py` first.

Unlike the dialect beside it, this waits: for the store, and for runs in the background.
"""
