/** A stack of its own on the real command line: own backend, own PULUMI_HOME, own folder. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const root = join(__dirname, "../..");

export interface Result {
  code: number;
  /** Both outputs. */
  text: string;
  stdout: string;
}

export class Stack {
  readonly folder = mkdtempSync(join(tmpdir(), "drop-ins-stack-"));

  /**
   * @param project name in Pulumi.yaml
   * @param program text of index.js; whatever it reads from `options.json` is given to `options`
   */
  constructor(
    private readonly home: string,
    project: string,
    program: string,
  ) {
    mkdirSync(join(this.folder, "state"));
    symlinkSync(join(root, "node_modules"), join(this.folder, "node_modules"));
    this.write("Pulumi.yaml", `name: ${project}\nruntime: nodejs\n`);
    this.write("package.json", `{"name": "${project}", "main": "index.js"}\n`);
    this.write("index.js", program);
    this.options({});
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  options(options: unknown): void {
    this.write("options.json", JSON.stringify(options));
  }

  /** Runs a command; never throws for its exit code. */
  pulumi(...args: string[]): Promise<Result> {
    const own = join(root, ".local/bin");
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      PATH: existsSync(join(own, "pulumi")) ? `${own}${delimiter}${process.env.PATH}` : process.env.PATH,
      PULUMI_HOME: this.home,
      PULUMI_BACKEND_URL: `file://${join(this.folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "for tests only",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    };
    return new Promise((resolve, reject) => {
      execFile("pulumi", [...args, "--non-interactive"], { cwd: this.folder, env, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
        const code = error ? (typeof error.code === "number" ? error.code : undefined) : 0;
        if (code === undefined) reject(error);
        else resolve({ code, stdout, text: stdout + stderr });
      });
    });
  }

  /** Runs a command that must succeed. */
  async must(...args: string[]): Promise<Result> {
    const result = await this.pulumi(...args);
    if (result.code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${result.code}:\n${result.text}`);
    return result;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
