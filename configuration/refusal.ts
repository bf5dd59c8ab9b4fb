import * as pulumi from "@pulumi/pulumi";

/**
 * An error that lists all that a person has to mend, for Pulumi to print as it is.
 *
 * It has no stack: Pulumi 3.270 inspects the stack of every error, and Node 20 needs fifteen seconds and gigabytes of
 * memory for one that names a scoped package.
 */
export function refusal(title: string, problems: readonly string[]): pulumi.RunError {
  const error = new pulumi.RunError([title, ...problems.map((problem) => `  - ${problem}`)].join("\n"));
  error.stack = undefined;
  return error;
}
