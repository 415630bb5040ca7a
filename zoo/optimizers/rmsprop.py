"""RMSProp as it was published, and as PyTorch has it."""

import tensorflow as tf


@tf.keras.utils.register_keras_serializable(package="toulon")
class RMSProp(tf.keras.optimizers.Optimizer):
    """Divides each gradient by the root of a running mean of its square.

        v <- rho v + (1 - rho) g²,   w <- w - learning_rate g / (sqrt(v) + epsilon)

    Keras' own adds 1e-7 under the root. Where gradients are below 3e-4, as everywhere in a Wasserstein GAN with
    clipped weights, that is most of the divisor, and steps shrink with the gradients: a generator moved some twenty times less.

    Source: Tieleman & Hinton 2012, lecture 6.5; constants of `torch.optim.RMSprop`, with which Wasserstein GANs were
    trained first.

    Args:
      learning_rate: float or schedule.
      rho: float, decay of the mean of squares.
      epsilon: float, added to the root.
      name: str.
      **kwargs: see `tf.keras.optimizers.Optimizer`.
    """

    def __init__(self, learning_rate=5e-5, rho=0.99, epsilon=1e-8, name="RMSProp", **kwargs):
        super().__init__(name=name, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.rho = rho
        self.epsilon = epsilon

    def build(self, var_list):
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        self._built = True
        self._squares = [self.add_variable_from_reference(variable, "square") for variable in var_list]

    def update_step(self, gradient, variable):
        square = self._squares[self._index_dict[self._var_key(variable)]]
        square.assign(self.rho * square + (1 - self.rho) * gradient**2)
        rate = tf.cast(self.learning_rate, variable.dtype)
        variable.assign_sub(rate * gradient / (tf.sqrt(square) + self.epsilon))

    def get_config(self):
        own = {"rho": self.rho, "epsilon": self.epsilon}
        return (
            super().get_config()
            | {"learning_rate": self._serialize_hyperparameter(self._learning_rate)}
            | own
        )
