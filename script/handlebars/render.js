// Renders templates with handlebars.js. Reads [{ "source": …, "data": …, "as_json": … }] from standard input and writes
// [{ "output": … } or { "error": … }] to standard output. With "as_json", lists and objects are written as JSON.
const path = require("node:path");
// The package is installed in the working directory.
const Handlebars = require(path.join(process.cwd(), "node_modules", "handlebars"));

Handlebars.Utils.escapeExpression = (value) => {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

// Standard output is the result.
Handlebars.log = () => {};

function render({ source, data, as_json }) {
  try {
    const output = Handlebars.compile(source, { noEscape: !as_json })(data);
    // UTF-8 cannot represent half a surrogate pair.
    return { output: Buffer.from(output).toString() };
  } catch (error) {
    return { error: String(error.message).split("\n")[0] };
  }
}

const cases = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(cases.map(render)));
