/** Where the directory is kept. */
export type Database =
  | {
      readonly engine: 'sqlite';
      /** The directory of the file, as an absolute path. */
      readonly dataDir: string;
    }
  | {
      readonly engine: 'postgres';
      /** Where the server is, and who we are there: a secret. */
      readonly url: string;
      /** How many connections this process makes at the most. */
      readonly poolSize: number;
    };
