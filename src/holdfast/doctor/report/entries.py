"""Entries of the catalogue in the language in use."""

from dataclasses import dataclass

from holdfast.doctor.catalogue_types import Cause, Symptom
from holdfast.doctor.diagnosis import Overrides, params_of
from holdfast.doctor.loading import Catalogue
from holdfast.doctor.report.document import Need, RemedyShown, StepShown, Threshold
from holdfast.doctor.wording import say


@dataclass(frozen=True, slots=True)
class Entries:
    """The catalogue as people and programs are shown it."""

    catalogue: Catalogue

    def text(self, kind: str, name: str, field: str) -> str:
        entry = getattr(self.catalogue, "remedies" if kind == "remedy" else f"{kind}s")[name]
        return self._say(kind, name, field, getattr(entry, field))

    def component_of(self, kind: str, name: str) -> str:
        return self.catalogue.owners[kind, name]

    def component_title(self, component: str) -> str:
        title = self.catalogue.components[component].title
        return say(component, f"component.{component}.title", title)

    def cause(self, name: str) -> Cause:
        return self.catalogue.causes[name]

    def symptom(self, name: str) -> Symptom:
        return self.catalogue.symptoms[name]

    def found(self, name: str, values: dict[str, object]) -> str:
        owner = self.component_of("cause", name)
        return say(owner, f"cause.{name}.found", self.cause(name).found, values)

    def remedies(self, cause: str, fitting: tuple[str, ...] = ()) -> list[RemedyShown]:
        """All of a cause's remedies, or those that a verdict has chosen among them."""
        known = self.cause(cause).remedies
        return [self.remedy(name) for name in known if name in fitting or not fitting]

    def remedy(self, name: str) -> RemedyShown:
        entry = self.catalogue.remedies[name]
        return RemedyShown(
            id=name,
            title=self.text("remedy", name, "title"),
            risk=entry.risk,
            steps=self._steps(name),
            verify=self.text("remedy", name, "verify"),
            undo=self.text("remedy", name, "undo"),
            action=entry.action,
            refs=list(entry.refs),
        )

    def needs(self, probes: tuple[str, ...]) -> list[Need]:
        return [
            Need(
                probe=name,
                title=self.text("probe", name, "title"),
                obtain=self.text("probe", name, "obtain"),
            )
            for name in probes
        ]

    def thresholds(self, cause: str, overrides: Overrides) -> list[Threshold]:
        values = params_of(cause, self.cause(cause), overrides).values
        return [
            Threshold(
                name=key,
                value=values[key],
                unit=param.unit,
                source=param.source,
                dated=param.dated.isoformat(),
                overridden=f"{cause}.{key}" in overrides,
            )
            for key, param in self.cause(cause).param.items()
        ]

    def _steps(self, remedy: str) -> list[StepShown]:
        steps = self.catalogue.remedies[remedy].steps
        return [
            StepShown(
                text=self._say("remedy", remedy, f"step{number}", step.text),
                type=step.type,
                refs=list(step.refs),
            )
            for number, step in enumerate(steps, 1)
        ]

    def _say(self, kind: str, name: str, field: str, text: str) -> str:
        return say(self.component_of(kind, name), f"{kind}.{name}.{field}", text) if text else ""
