/** The smallest framework that can be: subscribes at a stand-in master, takes offers, launches, kills, acknowledges. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "./mesos-cluster";

export interface Status {
  task_id: { value: string };
  state: string;
  message?: string;
  reason?: string;
  uuid?: string;
  healthy?: boolean;
  container_status?: { container_id?: { value: string }; network_infos: unknown[] };
}

export interface Offer {
  id: { value: string };
  slave_id: { value: string };
  hostname: string;
  resources: { name: string; type: string; role: string; scalar?: { value: number }; ranges?: { range: { begin: number; end: number }[] } }[];
  attributes: unknown[];
}

type Body = Record<string, unknown>;

export class Scheduler {
  /** Every message that came, in order. */
  readonly received: { message: string; body: Body }[] = [];
  readonly statuses: Status[] = [];
  offers: Offer[] = [];
  frameworkId = "";
  /** Whether updates are acknowledged, as a framework must. */
  acknowledge = true;
  private server?: Server;
  private pid = "";

  /** `address` is its own: where it listens, and the master finds it. */
  constructor(private readonly masterPort: number, private readonly masterAddress = "127.0.0.1", private readonly address = "127.0.0.1") {}

  private async send(message: string, body: Body): Promise<void> {
    const answer = await fetch(`http://${this.masterAddress}:${this.masterPort}/master/mesos.internal.${message}`, {
      method: "POST",
      headers: { "Libprocess-From": this.pid },
      body: JSON.stringify(body),
    });
    if (answer.status !== 202) throw new Error(`${message}: ${answer.status}`);
  }

  private get id() {
    return { framework_id: { value: this.frameworkId } };
  }

  private async handle(message: string, body: Body): Promise<void> {
    this.received.push({ message, body });
    if (message === "FrameworkRegisteredMessage" || message === "FrameworkReregisteredMessage") {
      this.frameworkId = (body.framework_id as { value: string }).value;
    } else if (message === "ResourceOffersMessage") {
      this.offers.push(...(body.offers as Offer[]));
    } else if (message === "RescindResourceOfferMessage") {
      this.offers = this.offers.filter(({ id }) => id.value !== (body.offer_id as { value: string }).value);
    } else if (message === "StatusUpdateMessage") {
      const update = body.update as { status: Status; uuid?: string; slave_id: unknown };
      if (update.uuid && this.acknowledge) {
        await this.send("StatusUpdateAcknowledgementMessage", {
          ...this.id, slave_id: update.slave_id, task_id: update.status.task_id, uuid: update.uuid,
        });
      }
      this.statuses.push(update.status);
    }
  }

  /** Subscribe; with an id as the framework of that id, which fails over to this scheduler. */
  async subscribe(info: Body = {}, id?: string): Promise<void> {
    if (!this.server) {
      this.server = createServer((request, response) => {
        let text = "";
        request.on("data", (part) => (text += part));
        request.on("end", () => {
          response.writeHead(202).end();
          void this.handle(request.url!.replace(/^.*mesos\.internal\./, ""), JSON.parse(text || "{}"));
        });
      });
      await new Promise<void>((done) => this.server!.listen(0, this.address, done));
      this.server.unref(); // a test that failed before it closed its scheduler still ends
      this.pid = `scheduler-${process.pid}@${this.address}:${(this.server.address() as AddressInfo).port}`;
    }
    const framework = { user: "root", name: "test", failover_timeout: 600, checkpoint: true, ...info, ...(id && { id: { value: id } }) };
    if (id) await this.send("ReregisterFrameworkMessage", { framework, failover: true });
    else await this.send("RegisterFrameworkMessage", { framework });
    await until("an answer to the subscription", () =>
      this.received.find(({ message }) => /^Framework/.test(message)) && true);
  }

  /** Take an offer that has at least so much; the others stay where they are. */
  async offer(): Promise<Offer> {
    return until("an offer", () => this.offers.shift());
  }

  /** Launch a task on what the next offer has, keeping the rest out of our hands for `refuse` seconds. */
  async launch(id: string, task: Body, refuse = 0): Promise<Offer> {
    const offer = await this.offer();
    await this.launchOn(offer, id, task, refuse);
    return offer;
  }

  async launchOn(offer: Offer, id: string, task: Body, refuse = 0): Promise<void> {
    const info = {
      name: id, task_id: { value: id }, slave_id: offer.slave_id,
      resources: [
        { name: "cpus", type: "SCALAR", scalar: { value: 0.1 }, role: "*" },
        { name: "mem", type: "SCALAR", scalar: { value: 64 }, role: "*" },
      ],
      ...task,
    };
    await this.send("LaunchTasksMessage", { ...this.id, offer_ids: [offer.id], tasks: [info], filters: { refuse_seconds: refuse } });
  }

  async decline(offer: Offer, refuse: number): Promise<void> {
    await this.send("LaunchTasksMessage", { ...this.id, offer_ids: [offer.id], tasks: [], filters: { refuse_seconds: refuse } });
  }

  kill = (id: string) => this.send("KillTaskMessage", { ...this.id, task_id: { value: id } });
  revive = () => this.send("ReviveOffersMessage", { ...this.id });
  suppress = () => this.send("SuppressOffersMessage", { ...this.id });
  unregister = () => this.send("UnregisterFrameworkMessage", { ...this.id });
  reconcile = (...ids: string[]) =>
    this.send("ReconcileTasksMessage", { ...this.id, statuses: ids.map((value) => ({ task_id: { value }, state: "TASK_RUNNING" })) });

  /** Wait until a task was reported in a state. */
  async state(id: string, state: string): Promise<Status> {
    return until(`${id} ${state}`, () => this.statuses.find((status) => status.task_id.value === id && status.state === state),
      () => JSON.stringify(this.statuses.map((status) => [status.task_id.value, status.state, status.message])));
  }

  /** What was reported of a task. An update that was sent again, as its acknowledgement did not arrive, counts once, unless `again`. */
  states(id: string, { again = false } = {}): string[] {
    const of = this.statuses.filter((status) => status.task_id.value === id);
    const first = of.filter(({ uuid }, index) => !uuid || of.findIndex((status) => status.uuid === uuid) === index);
    return (again ? of : first).map(({ state }) => state);
  }

  /** Vanish, as a process that is killed does. */
  close(): void {
    this.server?.close();
    this.server?.closeAllConnections();
    this.server = undefined;
  }
}
