"""A process that runs the programs that people used before, as it is told, and times itself.

Runs in .venv-reference, which has stella 0.1.0, TensorFlow with Keras 2, and celerite2; started
and spoken to by `reference`. One JSON object a line on standard input says what to do, one on
standard output how long it took. The data comes in .npz files.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(
    TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3", TF_NUM_INTRAOP_THREADS="1",
    TF_NUM_INTEROP_THREADS="1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1",
    MKL_NUM_THREADS="1", MPLBACKEND="Agg", TQDM_DISABLE="1",
)  # fmt: skip

import numpy as np
import tensorflow as tf
from tensorflow import keras

from tools.bench.measuring.cores import peak_memory

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


class Reference:
    """The ten published models, loaded once."""

    def __init__(self, directory: Path) -> None:
        self._files = [str(file) for file in sorted(directory.glob("*.h5"))]
        assert len(self._files) == 10
        self._models = [keras.models.load_model(file) for file in self._files]
        self._compiled: list[Callable[[Any], Any]] = [
            tf.function(lambda x, model=model: model(x, training=False)) for model in self._models
        ]

    def predict(self, curve: Any) -> dict[str, Any]:
        """Stella's own `ConvNN.predict`, one call a model, as its documentation does."""
        import stella

        network = stella.ConvNN(output_dir=".")
        answers = []
        start = time.perf_counter()
        for file in self._files:
            network.predict(file, [curve["time"]], [curve["flux"]], [curve["error"]])
            answers.append(network.predictions[0])
        seconds = time.perf_counter() - start
        np.save(str(curve["answers"]), np.array(answers))
        return {"seconds": seconds}

    def inject(self, curve: Any, how: str) -> dict[str, Any]:
        """One injection with the models in memory: flare, windows, networks, median, mask rule.

        `how`: `predict` is the method that Keras documents for this; `call` avoids its overhead;
        `compiled` is a graph made once for these 64 windows.
        """
        answer = {
            "predict": lambda model, x: model[0].predict(x, verbose=0),
            "call": lambda model, x: model[0](x, training=False).numpy(),
            "compiled": lambda model, x: model[1](x).numpy(),
        }[how]
        flux, flare = curve["flux"], curve["flare"]
        first, n_windows = int(curve["first"]), int(curve["n_windows"])
        for _ in range(2):  # the first call compiles what there is to compile
            start = time.perf_counter()
            injected = flux + flare
            injected /= np.median(injected)
            views = np.lib.stride_tricks.sliding_window_view(injected, 200)
            windows = views[first : first + n_windows, :, None].astype(np.float32)
            by_model = [answer(m, windows) for m in zip(self._models, self._compiled, strict=True)]
            probability = np.median(np.squeeze(by_model, 2), axis=0)
            runs = np.convolve(probability > 0.5, np.ones(3), "valid") == 3
            bool(runs.any())
            seconds = time.perf_counter() - start
        return {"seconds": seconds, "probability": probability.tolist()}

    def gaussian_process(self, curve: Any) -> dict[str, Any]:
        """celerite2's own objects, Nelder-Mead from an informed start within our bounds, the mean.

        The standard deviation is left out: celerite2 needs gigabytes for it.
        """
        from celerite2 import GaussianProcess, terms
        from scipy.optimize import minimize

        time_, flux, variance = curve["time"], curve["flux"], curve["error"] ** 2
        begin = curve["start"]  # log of sigma, period, Q0, dQ, f, jitter; mean in errors from 1
        error = np.sqrt(np.mean(variance))

        def term(x: np.ndarray) -> Any:
            sigma, period, q0, dq, f = np.exp(x[:5])
            return terms.RotationTerm(sigma=sigma, period=period, Q0=q0, dQ=dq, f=f)

        def objective(x: np.ndarray) -> float:
            if np.any(x[:6] < curve["lower"]) or np.any(x[:6] > curve["upper"]):
                return np.inf
            gp.mean, gp.kernel = 1 + x[-1] * error, term(x)
            gp.compute(time_, diag=variance + np.exp(2 * x[5]), quiet=True)
            return -float(gp.log_likelihood(flux))

        clock = time.perf_counter()
        gp = GaussianProcess(term(begin))
        simplex = np.vstack([begin, begin + 0.3 * np.eye(len(begin))])
        options = {"initial_simplex": simplex, "adaptive": True, "maxfev": 3000, "maxiter": 3000}
        found = minimize(objective, begin, method="Nelder-Mead", options=options)
        objective(found.x)
        gp.predict(flux, t=curve["all_times"])
        seconds = time.perf_counter() - clock
        return {"seconds": seconds, "log_likelihood": -found.fun, "evaluations": found.nfev}

    def memory(self) -> dict[str, Any]:
        """The most that this process needed so far."""
        return {"bytes": peak_memory()}


def main(directory: Path) -> None:
    """Say `ready`, then answer one line after the other."""
    # What stella and Keras print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    reference = Reference(directory)
    print(json.dumps({"ready": tf.__version__}), file=answers)
    for line in sys.stdin:
        order = json.loads(line)
        if "curve" in order:
            with np.load(order["curve"]) as stored:
                order["curve"] = dict(stored)
        print(json.dumps(getattr(reference, order.pop("do"))(**order)), file=answers)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
