"""Tells people what they want to know: sends what the outbox holds, in a process apart, and keeps account of it."""
