import * as pulumi from "@pulumi/pulumi";

import type { ClusterDescription } from "../../components";
import { MarathonApp } from "./marathon-app";

const config = new pulumi.Config();
const cluster = new pulumi.StackReference(config.require("clusterStack"))
  .requireOutput("cluster") as pulumi.Output<ClusterDescription>;

const image = cluster.apply(({ imageSet }) =>
  config.get("image") || (imageSet.standIn ? "mesos-marathon/rehearsal-base:bookworm" : "python:3-alpine"),
);

const web = new MarathonApp("web", {
  marathonUrl: cluster.apply(({ marathon }) => marathon.url),
  app: image.apply((image) => ({
    id: "/consumer",
    cmd: "cd /usr && python3 -m http.server --bind $HOST $PORT0",
    cpus: 0.1,
    mem: 64,
    instances: config.requireNumber("instances"),
    ports: [0],
    container: { type: "DOCKER", docker: { image, network: "HOST" } },
    healthChecks: [{ protocol: "HTTP", path: "/", portIndex: 0, gracePeriodSeconds: 60, intervalSeconds: 2, timeoutSeconds: 2, maxConsecutiveFailures: 3 }],
  })),
});

export const urls = web.urls;
