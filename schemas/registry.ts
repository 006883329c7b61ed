/** Where schemas and their ids live: a file in the data directory here, a Confluent-compatible server on Kafka. */
export interface SchemaRegistry {
  /**
   * The id of `schema` under `subject`, registering it when it is new.
   * @throws FcmError SCHEMA_INCOMPATIBLE when data written under the latest version couldn't be read with it.
   */
  register(subject: string, schema: object): Promise<number>
  /** @throws FcmError SCHEMA_UNKNOWN */
  schema(id: number): Promise<object>
}
