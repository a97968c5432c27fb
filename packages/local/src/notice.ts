/** Prints one line for the one who has started the stack. */
export const printNotice = (line: string): void => void process.stderr.write(`tenure: ${line}\n`);
