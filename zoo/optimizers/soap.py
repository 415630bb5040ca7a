"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner."""

import tensorflow as tf


@tf.keras.utils.register_keras_serializable(package="toulon")
class SOAP(tf.keras.optimizers.Optimizer):
    """Adam, run in a basis where the coordinates of a layer's gradients are uncorrelated.

    For each axis of a variable, of n entries, a running mean S [n, n] of the gradients' correlations over the
    other axes is kept. Gradients are turned into the eigenvectors Q of all axes, Adam works there, and its
    update is turned back. Q follows S by one step of orthogonal iteration, Q <- QR(S Q), every few steps.
    Rate and distortion pull on the same coordinates of a codec's layers; in this basis each is scaled on its own.

    The first step only makes the bases. An axis is left as it is when it is longer than `max_size`, or when the variable has fewer other entries
    than the axis is long: one gradient then says too little of it.

    Args:
      learning_rate: float or schedule. Begin with a warm-up: the first basis is that of one gradient.
      beta_1: float, decay of the mean of the gradients. The paper has 0.95 for all three, with batches of two million
        tokens; longer memories suit batches of a few pictures.
      beta_2: float, decay of the mean of their squares in the eigenbasis.
      shampoo_beta: float, decay of the mean of the correlations.
      epsilon: float, added to the root of the mean square.
      refresh_every: int, steps between two refreshes of the basis.
      max_size: int, the longest axis that is turned.
      name: str.
      **kwargs: see `tf.keras.optimizers.Optimizer`.

    Source: Vyas et al. 2024, "SOAP: Improving and Stabilizing Shampoo using Adam", algorithm 3; for codecs, Zhang &
    Zhu 2026, "Leveraging Second-Order Curvature for Efficient Learned Image Compression".
    """

    def __init__(
        self,
        learning_rate=3e-3,
        beta_1=0.9,
        beta_2=0.99,
        shampoo_beta=0.99,
        epsilon=1e-8,
        refresh_every=10,
        max_size=512,
        name="SOAP",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.shampoo_beta = shampoo_beta
        self.epsilon = epsilon
        self.refresh_every = refresh_every
        self.max_size = max_size

    def turned_axes(self, shape):
        """The axes of a variable of this shape that get a basis, as a list of ints."""
        entries = shape.num_elements()
        return [axis for axis, n in enumerate(shape) if 1 < n <= min(self.max_size, entries // n)]

    def build(self, var_list):
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        self._built = True
        self._means, self._squares, self._correlations, self._bases = [], [], [], []
        for variable in var_list:
            add = self.add_variable_from_reference
            sizes = {axis: variable.shape[axis] for axis in self.turned_axes(variable.shape)}
            self._means.append(add(variable, "mean"))
            self._squares.append(add(variable, "square"))
            # Keys are strings for the sake of checkpoints.
            self._correlations.append(
                {str(axis): add(variable, f"correlation_{axis}", [n, n]) for axis, n in sizes.items()}
            )
            self._bases.append(
                {
                    str(axis): add(variable, f"basis_{axis}", initial_value=tf.eye(n))
                    for axis, n in sizes.items()
                }
            )

    def update_step(self, gradient, variable):
        index = self._index_dict[self._var_key(variable)]
        square = self._squares[index]
        # A gradient is never seen in a basis that was made of it: in its own eigenvectors it is diagonal, and Adam
        # would scale the rounding errors beside the diagonal to full steps. So the first only makes the bases.
        tf.cond(
            tf.equal(self.iterations, 0), lambda: None, lambda: self._adam_step(gradient, variable, index)
        )
        for axis in self._bases[index]:
            self._follow(
                gradient, square, int(axis), self._correlations[index][axis], self._bases[index][axis]
            )

    def _adam_step(self, gradient, variable, index):
        """Adam's step in the coordinates of the bases."""
        mean, square = self._means[index], self._squares[index]
        mean.assign_add((gradient - mean) * (1 - self.beta_1))
        turned = self._turn(gradient, index)
        square.assign_add((turned**2 - square) * (1 - self.beta_2))
        step = tf.cast(self.iterations, tf.float32)
        bias_1, bias_2 = 1 - self.beta_1**step, 1 - self.beta_2**step
        turned = self._turn(mean, index) / bias_1 / (tf.sqrt(square / bias_2) + self.epsilon)
        variable.assign_sub(self.learning_rate * self._turn(turned, index, back=True))

    def _turn(self, values, index, back=False):
        """Values [n_0, n_1, …] in the coordinates of the bases, or back from them."""
        for axis in range(values.shape.rank):  # each round brings the first axis to the end
            basis = self._bases[index].get(str(axis))
            if basis is None:
                values = tf.transpose(values, [*range(1, values.shape.rank), 0])
            else:
                values = tf.tensordot(values, basis, [[0], [1 if back else 0]])
        return values

    def _follow(self, gradient, square, axis, correlation, basis):
        """Updates an axis' correlations and, when it is time, its basis and the order of `square` along it."""
        others = [i for i in range(gradient.shape.rank) if i != axis]
        now = tf.tensordot(gradient, gradient, [others, others])  # [n, n]
        first = tf.equal(self.iterations, 0)
        correlation.assign(tf.where(first, now, correlation + (now - correlation) * (1 - self.shampoo_beta)))

        def begin():
            basis.assign(tf.reverse(tf.linalg.eigh(correlation)[1], [1]))

        def refresh():
            moved = tf.matmul(correlation, basis)
            order = tf.argsort(tf.reduce_sum(basis * moved, axis=0), direction="DESCENDING")
            square.assign(tf.gather(square, order, axis=axis))
            basis.assign(tf.linalg.qr(tf.gather(moved, order, axis=1))[0])

        tf.cond(
            first,
            begin,
            lambda: tf.cond(tf.equal(self.iterations % self.refresh_every, 0), refresh, lambda: None),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "learning_rate": self._serialize_hyperparameter(self._learning_rate),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "shampoo_beta": self.shampoo_beta,
            "epsilon": self.epsilon,
            "refresh_every": self.refresh_every,
            "max_size": self.max_size,
        }
