"""Settings of a run by the plain names of their fields, wherever these are nested."""

from dataclasses import fields, replace

from vs_gendrpix.settings import ProcessSettings

_PLACES = {
    field.name: group
    for group in ("read", "prepare", "restore", "finish", "write", "job")
    for field in fields(getattr(ProcessSettings(), group))
}


def process_settings(**chosen):
    """`ProcessSettings`; a name is a step's (`restore=...`) or a field's of a step (`crop=...`)."""
    steps = {name: value for name, value in chosen.items() if name not in _PLACES}
    for name, value in chosen.items():
        if name in _PLACES:
            step = _PLACES[name]
            before = steps.get(step, getattr(ProcessSettings(), step))
            steps[step] = replace(before, **{name: value})
    return ProcessSettings(**steps)
