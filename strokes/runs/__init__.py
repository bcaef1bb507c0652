"""What every training has: folder, log, checkpoints, schedule, averaged weights, hardware, processes, interruption.

A training builds its data, network and optimisers, and then reads like this:

    with hold_folder(folder, resume):
        progress = resume_from(folder, MyProgress).progress if resume else MyProgress()
        with Run(folder, progress, config, resumed=resume, total=steps, at=progress.step) as run:
            while not finished:
                ...                                  # one step of gradient descent
                run.count_step(finite)               # refuses to go on after too many bad steps in a row
                run.log("train", loss=loss)
                if validation_is_due and run.count_validation(result):
                    run.keep_best(model.save)
                if checkpoint_is_due or run.stop_requested:
                    run.checkpoint(state_tensors(network, mean, optimizers))
"""
