import type { DescEnum, DescField, DescMessage, DescService, Registry } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import type { fromJSON } from '@grpc/proto-loader';

/** Descriptors as @grpc/proto-loader takes them. */
export type CodecDescriptors = Parameters<typeof fromJSON>[0];
type Nested = NonNullable<CodecDescriptors['nested']>;

/**
 * The types and services of a registry for @grpc/proto-loader. Its own reader of descriptors turns maps into lists of
 * entries and leaves field names in snake_case; this form has both as the generated types have them.
 */
export function codecDescriptors(registry: Registry): CodecDescriptors {
  const root: Nested = {};
  for (const desc of registry) {
    if (desc.kind === 'extension') continue;
    const path = desc.typeName.split('.');
    const name = path.pop() ?? '';
    let scope = root;
    for (const part of path) {
      const inner = (scope[part] ??= {}) as { nested?: Nested };
      scope = inner.nested ??= {};
    }
    scope[name] = { ...scope[name], ...described(desc) };
  }
  return { nested: root };
}

function described(desc: DescMessage | DescEnum | DescService): Nested[string] {
  switch (desc.kind) {
    case 'enum':
      return { values: Object.fromEntries(desc.values.map((value) => [value.name, value.number])) };
    case 'message':
      return {
        fields: Object.fromEntries(desc.fields.map((field) => [field.jsonName, describedField(field)])),
        oneofs: Object.fromEntries([
          ...desc.oneofs.map(
            (oneof) => [oneof.localName, { oneof: oneof.fields.map((field) => field.jsonName) }] as const,
          ),
          // An optional field is the only member of a oneof: that is how it is known whether it was set.
          ...desc.fields
            .filter((field) => field.proto.proto3Optional)
            .map((field) => [`_${field.jsonName}`, { oneof: [field.jsonName] }] as const),
        ]),
      };
    case 'service':
      return {
        methods: Object.fromEntries(
          desc.methods.map((method) => [
            method.name,
            {
              comment: '',
              requestType: `.${method.input.typeName}`,
              responseType: `.${method.output.typeName}`,
              requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
              responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
            },
          ]),
        ),
      };
  }
}

function describedField(field: DescField) {
  const type =
    field.message !== undefined
      ? `.${field.message.typeName}`
      : field.enum !== undefined
        ? `.${field.enum.typeName}`
        : scalarName(field.scalar);
  const packed = field.fieldKind === 'list' ? field.packed : undefined;
  return {
    id: field.number,
    type,
    ...(field.fieldKind === 'list' && { rule: 'repeated' }),
    ...(field.fieldKind === 'map' && { keyType: scalarName(field.mapKey) }),
    options: { ...(packed !== undefined && { packed }), ...(field.proto.proto3Optional && { proto3_optional: true }) },
  };
}

function scalarName(scalar: ScalarType): string {
  return ScalarType[scalar].toLowerCase();
}
