import * as pulumi from "@pulumi/pulumi";

/**
 * An error for Pulumi to print as it is, with a list of what a person has to mend where that is more than one thing.
 *
 * It has no stack: Pulumi 3.270 inspects the stack of every error, and Node 20 needs fifteen seconds and gigabytes of
 * memory for one that names a scoped package.
 */
export function refusal(title: string, problems: readonly string[] = []): pulumi.RunError {
  const error = new pulumi.RunError([title, ...problems.map((problem) => `  - ${problem}`)].join("\n"));
  error.stack = undefined;
  return error;
}
