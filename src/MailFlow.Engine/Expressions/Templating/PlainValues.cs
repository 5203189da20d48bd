using System.Collections;
using System.Diagnostics.CodeAnalysis;
using HandlebarsDotNet;
using HandlebarsDotNet.Compiler;
using HandlebarsDotNet.Iterators;
using HandlebarsDotNet.MemberAccessors;
using HandlebarsDotNet.ObjectDescriptors;
using HandlebarsDotNet.PathStructure;

namespace MailFlow.Engine.Expressions.Templating;

/// <summary>
/// How templates see values: maps by key, lists by position and length, nothing else. It answers for every type, so that
/// the library's own way, reflection over an object's members, is never taken.
/// </summary>
internal sealed class PlainValues : IObjectDescriptorProvider, IMemberAccessor
{
    private static readonly IIterator Maps = new BoundedIterator(new ReadOnlyDictionaryIterator<IReadOnlyDictionary<string, object?>, string, object?>());
    private static readonly IIterator Lists = new BoundedIterator(new ReadOnlyListIterator<IReadOnlyList<object?>, object?>());

    public bool TryGetDescriptor(Type type, [NotNullWhen(true)] out ObjectDescriptor? value)
    {
        var isMap = typeof(IReadOnlyDictionary<string, object?>).IsAssignableFrom(type);
        var isList = typeof(IReadOnlyList<object?>).IsAssignableFrom(type);
        value = new ObjectDescriptor(type, this, (_, instance) => Names(instance), _ => isMap ? Maps : isList ? Lists : Nothing.Instance);
        return true;
    }

    public bool TryGetValue(object instance, ChainSegment memberName, out object? value)
    {
        var name = memberName.TrimmedValue;
        value = instance switch
        {
            IReadOnlyDictionary<string, object?> map => map.GetValueOrDefault(name),
            IReadOnlyList<object?> list when name == "length" => (long)list.Count,
            IReadOnlyList<object?> list when int.TryParse(name, out var at) && at >= 0 && at < list.Count => list[at],
            _ => null,
        };
        // A null is missing, as in rules. What is missing stays falsy, and knows its whole path for the warning.
        var path = instance is UndefinedBindingResult above ? $"{above.Value}.{name}" : Rendering.Path(instance, name);
        if (value is null) value = UndefinedBindingResult.Create(path);
        else Rendering.Found(value, path);
        return true;
    }

    private static IEnumerable Names(object instance) => instance is IReadOnlyDictionary<string, object?> map ? map.Keys : Array.Empty<string>();

    private sealed class BoundedIterator(IIterator inner) : IIterator
    {
        public void Iterate(in EncodedTextWriter writer, BindingContext context, ChainSegment[] blockParamsVariables, object input, TemplateDelegate template, TemplateDelegate ifEmpty) =>
            inner.Iterate(writer, context, blockParamsVariables, input, (inside, frame) =>
            {
                Rendering.Step();
                template(inside, frame);
            }, ifEmpty);
    }

    /// <summary>Each over text or a number: nothing to go through, which must not fail the whole text.</summary>
    private sealed class Nothing : IIterator
    {
        public static readonly Nothing Instance = new();

        public void Iterate(in EncodedTextWriter writer, BindingContext context, ChainSegment[] blockParamsVariables, object input, TemplateDelegate template, TemplateDelegate ifEmpty)
        {
            using var frame = context.CreateFrame(context.Value);
            ifEmpty(writer, frame);
        }
    }
}
