/** Converse's JSON as it travels: AWS's own types, with bytes as the base64 text they become. */

import type {
  ContentBlock,
  ConverseRequest as ConverseInput,
  ConverseResponse,
  ConverseStreamOutput,
  ToolResultContentBlock,
} from '@aws-sdk/client-bedrock-runtime';

type OnWire<T> = T extends Uint8Array
  ? string
  : T extends readonly (infer Item)[]
    ? readonly OnWire<Item>[]
    : T extends object
      ? { [Key in keyof T]: OnWire<T[Key]> }
      : T;

/** JSON values are typed as AWS's `DocumentType`, which our readonly objects do not fit. */
type Json = { readonly [key: string]: unknown };

export type WireContent =
  | OnWire<Exclude<ContentBlock, ContentBlock.ToolUseMember | ContentBlock.ToolResultMember>>
  | { toolUse: { toolUseId: string; name: string; input: Json } }
  | { toolResult: { toolUseId: string; content: WireResultContent[]; status?: 'success' | 'error' } };

export type WireResultContent =
  | OnWire<Exclude<ToolResultContentBlock, ToolResultContentBlock.JsonMember>>
  | { json: Json };

export type WireTool = { toolSpec: { name: string; description?: string; inputSchema: { json: Json } } };

export interface ConverseRequest
  extends Pick<ConverseInput, 'inferenceConfig' | 'requestMetadata' | 'serviceTier' | 'system'> {
  readonly messages: readonly { role: 'user' | 'assistant'; content: readonly WireContent[] }[];
  readonly toolConfig?:
    | {
        tools: readonly WireTool[];
        toolChoice?: { auto: object } | { any: object } | { tool: { name: string } } | undefined;
      }
    | undefined;
  readonly additionalModelRequestFields?: Json | undefined;
}

export type ConverseMessage = OnWire<ConverseResponse>;

/** One event, under its `:event-type`. */
export type ConverseEvent = OnWire<
  Exclude<
    ConverseStreamOutput,
    | ConverseStreamOutput.InternalServerExceptionMember
    | ConverseStreamOutput.ModelStreamErrorExceptionMember
    | ConverseStreamOutput.ServiceUnavailableExceptionMember
    | ConverseStreamOutput.ThrottlingExceptionMember
    | ConverseStreamOutput.ValidationExceptionMember
  >
>;
