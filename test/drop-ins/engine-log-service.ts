/** The engine's log service, as far as a plugin calls it. */
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
  return { address: `127.0.0.1:${port}`, lines, stop: () => server.forceShutdown() };
}
