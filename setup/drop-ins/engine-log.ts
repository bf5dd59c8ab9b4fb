/** Lines for the person at the terminal, through the engine's own log service. */
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

/** More lines than this in waiting are not worth showing: a status line lives for a moment only. */
const MOST_WAITING = 200;
/** Longer lines are cut: no terminal shows them, and the engine should not have to carry them. */
const LONGEST_LINE = 4096;

export class EngineLog {
  private client?: EngineClient;
  private waiting = 0;
  private last: Promise<void> = Promise.resolve();

  /** @param address host:port of the engine; without it nothing is logged. */
  constructor(private address?: string) {}

  /** Changes to another engine. */
  connect(address: string): void {
    this.address = address;
    this.client = undefined;
  }

  status(urn: string, line: string): void {
    if (this.waiting < MOST_WAITING) this.send(LogSeverity.INFO, urn, line, true);
  }

  warning(urn: string, line: string): void {
    this.send(LogSeverity.WARNING, urn, line, false);
  }

  debug(line: string): void {
    this.send(LogSeverity.DEBUG, "", line, false);
  }

  /** Waits until the lines sent so far have arrived, a second at most: a log must not hold up the work. */
  async flush(): Promise<void> {
    if (this.waiting === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, 1000)));
    await Promise.race([this.last, enough]);
    clearTimeout(timer);
  }

  private send(severity: LogSeverity, urn: string, line: string, ephemeral: boolean): void {
    if (!this.address) return;
    this.client ??= new EngineClient(this.address, grpc.credentials.createInsecure());
    const { client } = this;
    const request = new LogRequest();
    request.setSeverity(severity);
    request.setUrn(urn);
    request.setMessage(line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line);
    request.setEphemeral(ephemeral);
    this.waiting++;
    // One after the other, so that the lines arrive in order.
    this.last = this.last.then(
      () =>
        new Promise((resolve) => {
          client.log(request, () => {
            this.waiting--;
            resolve();
          });
        }),
    );
  }
}
