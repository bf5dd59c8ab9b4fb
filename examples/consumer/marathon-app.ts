import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/** Marathon's own fields; which ones there are depends on its version. */
export interface MarathonAppDefinition {
  readonly id: string;
  readonly [field: string]: unknown;
}

export interface MarathonAppArgs {
  /** Marathon's address, such as `http://127.0.0.1:8080`. */
  readonly marathonUrl: pulumi.Input<string>;
  /** The app as Marathon's `/v2/apps` takes it. Its id is its identity: another id is another app. */
  readonly app: pulumi.Input<MarathonAppDefinition>;
  /** Seconds until all instances must run. Default: 300. */
  readonly timeout?: number;
}

/**
 * An app on Marathon: there when all its instances run and their health checks pass. It bears a label that says whose it
 * is; an app of the same id that bears another one, or none, is neither changed nor removed.
 */
export class MarathonApp extends pulumi.ComponentResource {
  /** Where its instances answer: `http://host:port`, one each, sorted. */
  readonly urls: pulumi.Output<string[]>;

  constructor(name: string, args: MarathonAppArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mesos-marathon:examples:MarathonApp", name, {}, opts);
    const app: pulumi.Output<any> = pulumi.output(args.app);
    const deployed = new command.local.Command(
      `${name}-deployed`,
      {
        create: "node marathon-app.mjs deploy",
        delete: "node marathon-app.mjs remove",
        environment: {
          MARATHON: args.marathonUrl,
          APP: pulumi.jsonStringify(app),
          OWNER: `${pulumi.getProject()}/${pulumi.getStack()}/${name}`,
          TIMEOUT: String(args.timeout ?? 300),
        },
        addPreviousOutputInEnv: false,
      },
      { parent: this, replacementTrigger: app.apply(({ id }) => id), deleteBeforeReplace: true },
    );
    this.urls = deployed.stdout.apply((text) => JSON.parse(text) as string[]);
    this.registerOutputs({ urls: this.urls });
  }
}
