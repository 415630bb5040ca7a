"""The experiments of generative adversarial networks, see `zoo.experiments`."""

from zoo.experiments import Experiment
from zoo.gan import (
    balance_experiment,
    collapse_experiment,
    diagnosis_experiment,
    line_experiments,
    picture_experiment,
    stacked_experiment,
)

EXPERIMENTS = {
    "collapse": Experiment(
        name="collapse",
        description="modes covered by the standard GAN and by Wasserstein GANs of one size and budget, and what their losses tell",
        durations={"smoke": "1 minute", "cpu": "15 minutes a distribution", "paper": "some hours"},
        run=collapse_experiment.run_collapse,
        add_arguments=collapse_experiment.add_arguments,
    ),
    "pictures": Experiment(
        name="pictures",
        description="figures 3 to 7 of the Wasserstein GAN: its estimate beside quality, by objective and architecture",
        durations={"smoke": "1 minute", "cpu": "half an hour", "paper": "days"},
        run=picture_experiment.run_pictures,
        add_arguments=picture_experiment.add_arguments,
    ),
    "stacked": Experiment(
        name="stacked",
        description="how many of the 1,000 kinds of stacked digits are made, by the standard GAN and by Wasserstein GANs",
        durations={"smoke": "1 minute", "cpu": "2 hours", "paper": "days"},
        run=stacked_experiment.run_stacked,
        add_arguments=stacked_experiment.add_arguments,
    ),
    "balance": Experiment(
        name="balance",
        description="quality against the critic's steps and the ratio of learning rates, the standard GAN beside Wasserstein GANs",
        durations={"smoke": "1 minute", "cpu": "10 minutes", "paper": "some hours"},
        run=balance_experiment.run_balance,
    ),
    "two-gaussians": Experiment(
        name="two-gaussians",
        description="figure 2 of the Wasserstein GAN: the best discriminator saturates, the best critic is a slope",
        durations={"smoke": "20 seconds", "cpu": "1 minute", "paper": "10 minutes"},
        run=line_experiments.run_two_gaussians,
    ),
    "smoothing": Experiment(
        name="smoothing",
        description="example 1 of the Wasserstein GAN, and theorem 3.3: what noise of which size does to two parallel lines",
        durations={"smoke": "5 seconds", "cpu": "10 seconds", "paper": "2 minutes"},
        run=line_experiments.run_smoothing,
    ),
    "diagnosis": Experiment(
        name="diagnosis",
        description="figures 1 to 3 of Towards Principled Methods: perfect discriminators, vanishing and exploding gradients",
        durations={"smoke": "20 seconds", "cpu": "3 minutes", "paper": "30 minutes"},
        run=diagnosis_experiment.run_diagnosis,
    ),
}
