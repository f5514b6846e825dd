/** One task of a run, as people see it in the tree. */
export interface Stage {
  readonly title: string;
  /** `tell` shows a line below the title while the stage runs; what is returned stays there. */
  run(tell: (line: string) => void): Promise<string | undefined>;
}

/** Where a command's output goes: text for people or one JSON document for programs. */
export interface Reporter {
  /** Run stages one after the other and show them; the first that throws ends the run with its error. */
  stages(stages: readonly Stage[]): Promise<void>;
  /** Something to read, in text mode only. */
  print(text: string): void;
  /** Something that should not be missed, in text mode only; goes to stderr. */
  warn(text: string): void;
}
