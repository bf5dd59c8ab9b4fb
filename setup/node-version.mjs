/** Imported first by every entry point, and kept to what an old Node can still read. */

const oldest = 20;

if (Number(process.versions.node.split(".")[0]) < oldest) {
  console.error("Node " + process.versions.node + " is too old: install Node " + oldest + " or newer and run this again.");
  process.exit(1);
}
