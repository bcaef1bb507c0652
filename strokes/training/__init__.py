"""The training of the network: lines, batches, steps of truncated back-propagation through time, evaluation."""
