"""What every training has: folder, log, checkpoints, schedule, averaged weights, hardware, processes, interruption."""
