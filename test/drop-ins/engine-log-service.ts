/** The engine's log service, as far as a plugin calls it. */
import { setTimeout as sleep } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb";

export interface LoggedLine {
  message: string;
  urn: string;
  ephemeral: boolean;
}

export interface LogService {
  address: string;
  lines: LoggedLine[];
  /** Waits until enough was said: a call of the plugin's waits a second at most for its lines to arrive. */
  until(enough: (messages: string[]) => boolean): Promise<void>;
  stop(): void;
}

export async function startLogService(): Promise<LogService> {
  const lines: LoggedLine[] = [];
  const server = new grpc.Server();
  const unimplemented = (_call: unknown, reply: grpc.sendUnaryData<unknown>) => reply({ code: grpc.status.UNIMPLEMENTED });
  server.addService(EngineService, {
    ...Object.fromEntries(Object.keys(EngineService).map((name) => [name, unimplemented])),
    log(call: grpc.ServerUnaryCall<LogRequest, Empty>, reply: grpc.sendUnaryData<Empty>) {
      lines.push({ message: call.request.getMessage(), urn: call.request.getUrn(), ephemeral: call.request.getEphemeral() });
      reply(null, new Empty());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const until = async (enough: (messages: string[]) => boolean) => {
    const end = Date.now() + 30_000;
    while (!enough(lines.map(({ message }) => message))) {
      if (Date.now() > end) throw new Error(`Waited 30 s for the log; it has ${lines.length} lines, the last ones: ${JSON.stringify(lines.slice(-5))}`);
      await sleep(50);
    }
  };
  return { address: `127.0.0.1:${port}`, lines, until, stop: () => server.forceShutdown() };
}
