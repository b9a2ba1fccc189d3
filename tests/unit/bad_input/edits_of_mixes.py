"""List bad input about mixes of endpoints."""

from edits import APP, WORKLOAD, Edit, experiment

MIX = "{product: 80, page: 15.5, order: 0.5}"


def _mix(new, key, says):
    return Edit(WORKLOAD, f"mix: {MIX}", f"mix: {new}", f"endpoints.front{key and '.'}{key}", says)


MIX_EDITS = [
    _mix("{product: 80, pag: 20}", "mix.pag", "did you mean 'page'?"),
    _mix("{product: 80, zzz: 20}", "mix.zzz", "known: product, page, order"),
    _mix("{product: 80, front: 20}", "mix.front", "is a mix itself"),
    _mix("{product: 80, page: 0}", "mix.page", "greater than 0"),
    _mix("{product: 80, page: -0.1}", "mix.page", "greater than 0"),
    _mix("{product: 80, page: 2000000}", "mix.page", "less than or equal to 1000000"),
    _mix("{product: 80, page: .nan}", "mix.page", "finite"),
    _mix("{product: 80, page: 20 %}", "mix.page", "valid number"),
    _mix("{product: 80, page: true}", "mix.page", "valid number"),
    _mix("{product: 80, page: {weight: 20}}", "mix.page", "valid number"),
    _mix("{product: 80, Page: 20}", "mix.Page", "must be a name"),
    _mix("[product, page]", "mix", "valid dictionary"),
    _mix("product", "mix", "valid dictionary"),
    _mix("{}", "mix", "at least 1 item"),
    _mix("", "mix", "valid dictionary"),
    _mix(f"{MIX}\n    method: POST", "", "beside mix there is no method"),
    _mix(f"{MIX}\n    expect: {{status: 204}}", "", "beside mix there is no expect"),
    _mix(f"{MIX}\n    sql: []", "", "beside mix there is no sql"),
    Edit(WORKLOAD, f"mix: {MIX}", f"mixx: {MIX}", "endpoints.front.mixx", "did you mean 'mix'?"),
    Edit(WORKLOAD, f"mix: {MIX}", f"weights: {MIX}", "endpoints.front.weights", "unknown key"),
    Edit(
        APP,
        "endpoints:\n",
        "endpoints:\n  front: /\n",
        "endpoints.front",
        "is a mix, which has no path",
    ),
    experiment("[product, page]", "[front]", "endpoints", "no order, which the mix front asks"),
    experiment("[product, page]", "[product, front]", "endpoints", "catalogue serves no order"),
]
