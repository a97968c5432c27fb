/** The value of an arithmetic expression as text, or what is wrong with it; a tool's answer is text either way. */
export function calculate(expression: string): string {
  const tokens = expression.match(/\d+(?:\.\d+)?|[-+*/()]|\S/g) ?? [];
  let at = 0;

  const sum = (): number => {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "-") value += tokens[at++] === "+" ? product() : -product();
    return value;
  };
  const product = (): number => {
    let value = factor();
    while (tokens[at] === "*" || tokens[at] === "/") {
      if (tokens[at++] === "*") value *= factor();
      else value /= factor();
    }
    return value;
  };
  const factor = (): number => {
    const token = tokens[at++];
    if (token === "-") return -factor();
    if (token === "(") {
      const value = sum();
      if (tokens[at++] !== ")") throw new SyntaxError("a parenthesis is not closed");
      return value;
    }
    if (token === undefined || !/^\d/.test(token)) throw new SyntaxError(`there is no number at ${token ?? "the end"}`);
    return Number(token);
  };

  try {
    const value = sum();
    if (at < tokens.length) throw new SyntaxError(`${tokens[at]} does not belong there`);
    return Number.isFinite(value) ? String(Number(value.toPrecision(15))) : "That has no value.";
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return `I cannot work that out: ${error.message}.`;
    throw error;
  }
}
