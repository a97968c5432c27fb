/** S3 in this process, by s3rver where that was found: one bucket in a directory that is removed at the end. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { s3Server } from "./found.ts";

export interface TestS3 {
  client: S3Client;
  bucket: string;
  /** Every key in the bucket. */
  keys(): Promise<string[]>;
  close(): Promise<void>;
}

type S3rver = new (options: {
  address: string;
  port: number;
  silent: boolean;
  directory: string;
}) => {
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
};

export async function openS3(): Promise<TestS3> {
  const S3rver = createRequire(join(s3Server as string, "package.json"))("s3rver") as S3rver;
  const directory = mkdtempSync(join(tmpdir(), "tenure-s3-"));
  const server = new S3rver({ address: "127.0.0.1", port: 0, silent: true, directory });
  const { port } = await server.run();
  const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  const bucket = "segments";
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    client,
    bucket,
    async keys() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
      return Contents.map(({ Key }) => String(Key));
    },
    async close() {
      client.destroy();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
