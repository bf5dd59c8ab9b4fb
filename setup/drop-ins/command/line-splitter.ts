import { StringDecoder } from "node:string_decoder";

/** A line without end is handed on in pieces of this many characters, so that it neither hangs nor piles up. */
const LONGEST = 4096;

/** Cuts a stream of bytes into lines. */
export class LineSplitter {
  private readonly decoder = new StringDecoder("utf8");
  private rest = "";

  constructor(private readonly line: (line: string) => void) {}

  write(chunk: Buffer): void {
    const lines = (this.rest + this.decoder.write(chunk)).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.emit(line);
    while (this.rest.length > LONGEST) {
      this.emit(this.rest.slice(0, LONGEST));
      this.rest = this.rest.slice(LONGEST);
    }
  }

  end(): void {
    this.emit(this.rest + this.decoder.end());
    this.rest = "";
  }

  private emit(line: string): void {
    const shown = line.replace(/\r$/, "");
    if (shown !== "") this.line(shown);
  }
}
