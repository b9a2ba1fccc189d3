"""List bad input about what is asked of an endpoint, and what it must answer."""

from edits import workload


def _item(old, new, key, says):
    """Return an edit of the endpoint with drawn values."""
    return workload(old, new, f"endpoints.item{key and '.'}{key}", says)


# What is asked, and with which drawn values
REQUESTS = [
    _item("Accept: application/json", "'Acc ept': a", "headers.Acc ept", "the name of a header"),
    _item("Accept: application/json", "Accept: größe", "headers.Accept", "one line of ASCII"),
    _item("Accept: application/json", r'Accept: "a\r\nb"', "headers.Accept", "one line of ASCII"),
    _item("Accept: application/json", "Content-Type: a/b", "headers", "by send's content_type"),
    _item("Accept: application/json", "content-length: '5'", "headers", "set by the generator"),
    _item("Accept: application/json", "x-shop: a", "headers", "is given twice"),
    _item('"{shop}"', '"{shp}"', "", "headers: X-Shop: {shp} is drawn nowhere"),
    _item('"{shop}"', '"{shop"', "headers.X-Shop", "a single {"),
    _item('"{shop}"', '"shop}"', "headers.X-Shop", "a single }"),
    _item('"{shop}"', '"{Shop}"', "headers.X-Shop", "a placeholder is {name}"),
    _item("currency: EUR", "currency: [EUR]", "query.currency", "a text of up to 1000"),
    _item("currency: EUR", "currency: true", "query.currency", "or a whole number"),
    _item("currency: EUR", "currency: '{nothing}'", "", "query: currency: {nothing} is drawn"),
    _item("from: 1, to: 10000", "from: 10000, to: 1", "draw.id", "holds no number"),
    _item("from: 1, to: 10000", "from: 1", "draw.id", "from and to, or choices"),
    _item("from: 1, to: 10000", "from: 1, to: 2, choices: [3]", "draw.id", "or choices"),
    _item("from: 1, to: 10000", "from: 1.5, to: 2", "draw.id.from", "valid integer"),
    _item("from: 1, to: 10000", "form: 1, to: 2", "draw.id.form", "did you mean 'from'"),
    _item("[north, south]", "[]", "draw.shop.choices", "at least 1 item"),
    _item("[north, south]", "[north, north]", "draw.shop.choices", "twice"),
    _item("[north, south]", "[north, 1.5]", "draw.shop.choices.1", "or a whole number"),
    _item("[north, south]", r'[north, "a\nb"]', "draw.shop.choices.1", "printable"),
    _item("[north, south]", "[nörd, süd]", "", "headers: X-Shop: {shop} may be 'nörd'"),
    _item("shop: {choices", "Shop: {choices", "draw.Shop", "must be a name"),
    workload(
        "send: {json: {",
        "send: {text: a, json: {",
        "endpoints.greeting.send",
        "one of file, text, form and json",
    ),
    workload('name: "{name}"', 'name: "{name"', "endpoints.greeting.send", "a single {"),
    workload('name: "{name}"', "name: .inf", "endpoints.greeting.send", "JSON cannot hold"),
    workload('name: "{name}"', 'name: "{nam}"', "endpoints.greeting", "{nam} is drawn nowhere"),
    workload("[Ann, Bob]", """[Ann, 'Bo"b']""", "endpoints.greeting", "cannot stand there"),
    workload(
        "send: {json: {",
        f"send: {{text: {'x' * 70_000}}}\n#",
        "endpoints.greeting.send.text",
        "at most 65536 characters",
    ),
    workload("send: {form", "send: {from", "endpoints.search.send", "one of file, text, form"),
    workload(
        "send: {form",
        "send: {content_type: multipart/form-data, form",
        "endpoints.search.send",
        "not as multipart",
    ),
    workload("{{shoes}}", "{shoes}", "endpoints.search", "send: {shoes} is drawn nowhere"),
    workload("method: PUT", "method: GET", "endpoints.greeting", "GET takes none"),
    workload("method: PUT", "method: HEAD", "endpoints.greeting", "HEAD takes none"),
    workload("method: DELETE", "method: PATCH", "endpoints.search", "also.0: PATCH takes a body"),
]

# What must be answered
ANSWERS = [
    _item("type: object", "type: objekt", "expect.json", "$: type 'objekt': it is array"),
    _item("required: [id, price]", "requried: [id]", "expect.json", "did you mean 'required'"),
    _item("required: [id, price]", "required: id", "expect.json", "is not of type 'array'"),
    _item("required: [id, price]", "$ref: '#/$defs/x'", "expect.json", "names nothing"),
    _item("required: [id, price]", "$ref: 'http://x/y'", "expect.json", "names nothing"),
    _item("required: [id, price]", "$ref: '#'", "expect.json", "lead in a circle"),
    _item("{type: number}", "{type: string, pattern: '['}", "expect.json", "no regular expression"),
    _item("{type: number}", "{type: string, pattern: (a+)+}", "expect.json", "take for ever"),
    _item(
        "{type: number}", "{type: string, format: date-time}", "expect.json", "is not checked here"
    ),
    _item(
        "required: [id, price]",
        "$schema: 'http://json-schema.org/draft-07/schema#'",
        "expect.json",
        "is not https://json-schema.org/draft/2020-12/schema",
    ),
    _item("minimum: 1", "minimum: '1'", "expect.json", "$.properties.id.minimum"),
    _item("minimum: 1", "minimum: .inf", "expect.json", "not JSON compliant"),
    _item("type: object", "schema_file: expected/offers.json", "expect.json", "stands alone"),
    _item('equals: {id: "{id}"}', 'equals: {id: "{nr}"}', "", "expect: {nr} is drawn nowhere"),
    _item('equals: {id: "{id}"}', "equals: {}", "expect.rules.0.equals", "at least 1 item"),
    _item('equals: {id: "{id}"}', "same: id", "expect.rules.0.same", "unknown key"),
    _item(
        '- equals: {id: "{id}"}', "- {unique: id, sorted: id}", "expect.rules.0", "a rule is one of"
    ),
    _item("differ: [id, price]", "differ: [id]", "expect.rules.1.differ", "at least 2 items"),
    _item("differ: [id, price]", "differ: [id, id]", "expect.rules.1.differ", "names one field"),
    _item("differ: [id, price]", "differ: [id, prize]", "expect.rules.1.differ", "mean 'price'"),
    _item("differ: [id, price]", "unique: id", "expect.rules.1.unique", "it is one row"),
    _item("Server: {present: false}", "etag: a", "expect.headers", "is given twice"),
    _item("minimum: 1", "minimum: 1, maximum: 0", "expect.json", "minimum 1 is above maximum 0"),
    _item("minimum: 1", "minimum: 1, exclusiveMaximum: 1", "expect.json", "no number fits minimum"),
    _item(
        "minimum: 1", "minLength: 1", "expect.json", "minLength checks only what is of type stri"
    ),
    _item("minimum: 1", "enum: [1, a]", "expect.json", "'a' is not of type 'integer'"),
    _item("required: [id, price]", "then: {}", "expect.json", "then checks nothing without if"),
    _item("minimum: 1", "enum: []", "expect.json", "enum has no value"),
    workload(
        '- {selector: "#products > li", count: 2, texts_file: expected/names.json}',
        "[]",
        "endpoints.page.expect.html",
        "at least 1 item",
    ),
    _item(
        "Server: {present: false}",
        "Server: {present: no_more}",
        "expect.headers.Server.present",
        "valid boolean",
    ),
    _item("Server: {present: false}", "Server: 5", "expect.headers.Server", "must be a text, or"),
    _item("Server: {present: false}", "Server: {}", "expect.headers.Server", "pattern or present"),
    _item("Server: {present: false}", "'Ser ver': a", "expect.headers.Ser ver", "of a header"),
    _item("""'"[0-9a-f]+"'""", "'[0-9'", "expect.headers.ETag.pattern", "no regular expression"),
    workload(
        "schema_file: expected/offers.json",
        "schema_file: expected/none.json",
        "endpoints.offers",
        "no such file",
    ),
    workload(
        "schema_file: expected/offers.json",
        "schema_file: expected/names.json",
        "endpoints.offers",
        "is no JSON Schema",
    ),
    workload(
        "schema_file: expected/offers.json",
        "schema_file: expected/product.json",
        "endpoints.offers",
        "is no keyword",
    ),
    workload(
        "schema_file: expected/offers.json",
        "",
        "endpoints.offers.expect.json",
        "an empty schema fits every document",
    ),
    workload(
        "schema_file: expected/offers.json",
        "title: Offers",
        "endpoints.offers.expect.json",
        "a schema of remarks alone fits every document",
    ),
    workload(
        'text: "3 pairs"',
        "text: {pattern: '('}",
        "endpoints.search.expect.text.pattern",
        "no regular expression",
    ),
    workload('text: "3 pairs"', "text: 3", "endpoints.search.expect.text", "must be a text"),
    workload(
        'text: "3 pairs"',
        "text: a, varies: true",
        "endpoints.search.expect",
        "varies: text is always the same",
    ),
    workload(
        'text: "3 pairs"',
        "varies: true",
        "endpoints.search.expect",
        "varies: no body is always the same",
    ),
    workload(
        'text: "3 pairs"',
        "text: a, length: 1",
        "endpoints.search.expect",
        "is of one kind, not text and sha256 or length",
    ),
    workload(
        'text: "3 pairs"',
        "rules: [{unique: id}]",
        "endpoints.search.expect",
        "give json, its shape",
    ),
    workload("length: 3", "length: -3", "endpoints.picture.expect.length", "equal to 0"),
    workload("length: 3", "length: 3.5", "endpoints.picture.expect.length", "valid integer"),
    workload("sha256: ba", "sha256: BA", "endpoints.picture.expect.sha256", "64 digits"),
    workload(
        'method: OPTIONS\n    send: {text: "{{}}", content_type: application/json}',
        "method: HEAD",
        "endpoints.picture",
        "an answer to HEAD has no body",
    ),
]

ENDPOINT_EDITS = [*REQUESTS, *ANSWERS]
