"""The progress of a long call: the caller's function, or a bar."""


class bar:
    """A progress callback for a kernel: the caller's, or a bar of tqdm's."""

    def __init__(self, progress, total):
        self.callback = self.bar = None
        if progress is True:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                raise ImportError(
                    'progress=True needs tqdm: pip install "linewatch[progress]"'
                ) from None
            self.bar = tqdm(total=total, unit="row", unit_scale=True)
            self.callback = self.bar.update
        elif callable(progress):
            self.callback = progress
        elif progress is not None and progress is not False:
            raise TypeError(
                f"progress must be True, False or a function, but {progress!r} is not callable"
            )

    def __enter__(self):
        return self.callback

    def __exit__(self, *error):
        if self.bar is not None:
            self.bar.close()
