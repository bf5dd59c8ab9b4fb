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
    if (this.rest.length > LONGEST) {
      const pieces = Math.floor(this.rest.length / LONGEST) * LONGEST;
      this.emit(this.rest.slice(0, pieces));
      this.rest = this.rest.slice(pieces);
    }
  }

  end(): void {
    this.emit(this.rest + this.decoder.end());
    this.rest = "";
  }

  private emit(line: string): void {
    const shown = line.replace(/\r$/, "");
    for (let at = 0; at < shown.length; at += LONGEST) this.line(shown.slice(at, at + LONGEST));
  }
}
