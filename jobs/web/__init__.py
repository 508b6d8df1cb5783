"""The pages about queues and jobs: ask the policy, call one stage, answer."""
