using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using HandlebarsDotNet;
using HandlebarsDotNet.Compiler;
using HandlebarsDotNet.Iterators;
using HandlebarsDotNet.MemberAccessors;
using HandlebarsDotNet.ObjectDescriptors;
using HandlebarsDotNet.PathStructure;
using HandlebarsDotNet.ValueProviders;

namespace MailFlow.Content.Handlebars;

/// <summary>
/// The only way from a template to a value: by name into a map, by number into a list. It answers for every type, so the
/// library's own descriptors, which reflect over properties, are never asked.
/// </summary>
internal sealed class PlainValues : IObjectDescriptorProvider, IMemberAccessor, IIterator
{
    public static readonly PlainValues Instance = new();

    public bool TryGetDescriptor(Type type, [NotNullWhen(true)] out ObjectDescriptor? value)
    {
        value = new ObjectDescriptor(type, this, (_, instance) => instance is IReadOnlyDictionary<string, object?> map ? map.Keys : Array.Empty<string>(), _ => this);
        return true;
    }

    public bool TryGetValue(object instance, ChainSegment memberName, out object? value)
    {
        var name = memberName.TrimmedValue;
        switch (instance)
        {
            case IReadOnlyDictionary<string, object?> map:
                return map.TryGetValue(name, out value);
            case IReadOnlyList<object?> list when name is "length":
                value = (long)list.Count;
                return true;
            case IReadOnlyList<object?> list when int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < list.Count:
                value = list[index];
                return true;
            default:
                value = null;
                return false;
        }
    }

    public void Iterate(in EncodedTextWriter writer, BindingContext context, ChainSegment[] blockParamsVariables, object input, TemplateDelegate template, TemplateDelegate ifEmpty)
    {
        using var inner = context.CreateFrame();
        var data = new DataValues(inner);
        var named = new BlockParamsValues(inner, blockParamsVariables);
        named.CreateProperty(0, out var first);
        named.CreateProperty(1, out var second);

        var (count, items) = Items(input);
        var index = 0;
        foreach (var (key, value) in items)
        {
            Rendering.Current?.Step();
            data[ChainSegment.Key] = key;
            data[ChainSegment.Index] = index;
            data[ChainSegment.First] = index == 0;
            data[ChainSegment.Last] = index == count - 1;
            data[ChainSegment.Value] = value;
            named[first] = value;
            named[second] = key;
            inner.Value = value;
            template(writer, inner);
            index++;
        }
        if (index > 0) return;
        inner.Value = context.Value;
        ifEmpty(writer, inner);
    }

    private static (int Count, IEnumerable<(object Key, object? Value)> Items) Items(object input) => input switch
    {
        IReadOnlyDictionary<string, object?> map => (map.Count, map.Select(member => ((object)member.Key, member.Value))),
        IReadOnlyList<object?> list => (list.Count, list.Select((item, index) => ((object)index, item))),
        _ => (0, []),
    };
}
