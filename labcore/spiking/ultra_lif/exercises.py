"""Questions of the lesson that `ultra_lif` answers, and their checkers."""

from __future__ import annotations

from labcore.exercises import asked, exercise

from .experiments import limit, surface


@exercise(
    "The neuron of soft maxima has ε = 0.3, a leak of τ = 0.9 and V = 0.4, and it sends exactly half of its gradient "
    "to the current. How large is the current I? An answer to within 0.02 is right.",
    surface.parameters["current"],
    hint=(
        "Drag the dot in the bench of the kink until half of the gradient goes to I.",
        "The two sides of the soft maximum get the same when they are equal: I = V + ln τ.",
    ),
)
def half_and_half(current: float, seed: int) -> bool | str:
    share = float(surface.run("full", eps=0.3, before=0.4, leak=0.9, current=current, seed=seed).share)
    right = surface.run("full", eps=0.3, before=0.4, leak=0.9, current=current - 0.02, seed=seed)
    above = surface.run("full", eps=0.3, before=0.4, leak=0.9, current=min(2.0, current + 0.02), seed=seed)
    if float(right.share) <= 0.5 <= float(above.share):
        return True
    return f"With that current {share:.0%} of the gradient goes to it."


@exercise(
    "Two pulses of 0.75 come one step after the other. The threshold is 1, the leak τ = 0.9. From which softness ε on "
    "does UltraLIF fire at the second, as the ordinary neuron does? The smallest such ε, to a tenth of it.",
    limit.parameters["eps"],
    hint=(
        "Put the pulses side by side in the bench, and drag ε up from 0.05.",
        "Two equal numbers a have the soft maximum a + ε ln 2. Here they are not quite equal, and the neuron was not "
        "quite at 0 before.",
    ),
)
def soft_enough(eps: float, seed: int) -> bool | str:
    def fires(at: float) -> bool:
        frame = limit.run("quick", eps=at, when_1=6, when_2=7, height_1=0.75, height_2=0.75, neurons=100, seed=seed)
        return bool((frame.fires.sel(neuron="UltraLIF") >= 0.5)[6])

    if fires(min(eps * 1.1, 1.0)) and not fires(eps / 1.1):
        return True
    return "There it fires at the second pulse, and with less too." if fires(eps) else "There it does not fire."


@exercise(
    "UltraLIF counts time and currents in a new way: adding becomes the soft maximum. With ε = 0.5, what does "
    "0 + 0, the sum of two numbers 0, become? An answer to a hundredth is right.",
    asked("soft maximum of 0 and 0", -5.0, 5.0),
    hint="ε ln(e^(0 / ε) + e^(0 / ε)).",
)
def nothing_plus_nothing(value: float, seed: int) -> bool | str:
    expected = 0.5 * 0.6931471805599453
    if abs(value - expected) <= 0.01:
        return True
    return "In this arithmetic 0 stands for e⁰ = 1: what is 1 + 1, read as ε ln of it?"
