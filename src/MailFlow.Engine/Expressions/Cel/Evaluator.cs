using System.Collections.Frozen;

namespace MailFlow.Engine.Expressions.Cel;

/// <summary>
/// Turns an expression into closures once. Evaluation is total: it never throws, an operation that cannot be done gives
/// nothing, and a condition over nothing is false.
/// </summary>
internal static class Evaluator
{
    public static Func<IExpressionScope, object?> Value(Node node)
    {
        switch (node)
        {
            case Literal { Value: var value }:
                return _ => value;
            case Condition:
                var condition = Truth(node);
                return scope => Values.Box(condition(scope));
            case ListLiteral { Items: var items }:
                var parts = items.Select(Value).ToArray();
                return scope => Array.ConvertAll(parts, part => part(scope));
            case MapLiteral { Entries: var entries }:
                var members = entries.Select(entry => (entry.Key, Value: Value(entry.Value))).ToArray();
                return scope => members.ToDictionary(member => member.Key, member => member.Value(scope));
            case Root { Name: var name }:
                return scope => scope.Root(name);
            case Now:
                return scope => scope.Now;
            case Member member:
                return ReadMember(member);
            case Lookup lookup:
                var (target, key) = (Value(lookup.Target), Value(lookup.Key));
                return scope => Values.Element(target(scope), key(scope));
            case Negate negate:
                var operand = Value(negate.Operand);
                return scope => Numbers.Negate(operand(scope));
            case Arithmetic { Operator: var sign } sum:
                var (left, right) = (Value(sum.Left), Value(sum.Right));
                return scope => Values.Calculate(sign, left(scope), right(scope));
            case Conditional choice:
                var (test, then, otherwise) = (Truth(choice.Test), Value(choice.Then), Value(choice.Else));
                return scope => test(scope) ? then(scope) : otherwise(scope);
            case Call call:
                var (function, argument) = (Conversions.Of(call.Function), Value(call.Argument));
                return scope => function(argument(scope));
            case CountEvents { EventType: var type, Window: var window }:
                return scope => scope.CountEvents(type, window);
            default:
                throw new ArgumentOutOfRangeException(nameof(node), node.GetType().Name);
        }
    }

    /// <summary>Whether the expression is true; what is not a boolean counts as false.</summary>
    public static Func<IExpressionScope, bool> Truth(Node node)
    {
        switch (node)
        {
            case Not not:
                var operand = Truth(not.Operand);
                return scope => !operand(scope);
            case And { Operands: var operands }:
                var all = operands.Select(Truth).ToArray();
                return scope =>
                {
                    foreach (var one in all)
                        if (!one(scope)) return false;
                    return true;
                };
            case Or { Operands: var operands }:
                var any = operands.Select(Truth).ToArray();
                return scope =>
                {
                    foreach (var one in any)
                        if (one(scope)) return true;
                    return false;
                };
            case Comparison comparison:
                return Compare(comparison);
            case In membership:
                return IsIn(membership);
            case Present present:
                var subject = Value(present.Operand);
                return scope => subject(scope) is not null;
            case TextTest { Relation: var relation } test:
                var (text, part) = (Value(test.Text), Value(test.Part));
                return scope => Values.Test(relation, text(scope), part(scope));
            case Literal { Value: var constant }:
                var holds = constant is true;
                return _ => holds;
            case Conditional choice:
                var (condition, then, otherwise) = (Truth(choice.Test), Truth(choice.Then), Truth(choice.Else));
                return scope => condition(scope) ? then(scope) : otherwise(scope);
            default:
                var value = Value(node);
                return scope => value(scope) is true;
        }
    }

    /// <summary>A field of a contact that is not built in is an attribute, whether or not it was laid beside the built-in ones.</summary>
    private static Func<IExpressionScope, object?> ReadMember(Member member)
    {
        var name = member.Name;
        if (member.Target is Root { Name: "contact" } && !ContactFields.BuiltIn.Contains(name))
            return scope =>
            {
                var contact = scope.Root("contact");
                return Values.Member(contact, name) ?? Values.Member(Values.Member(contact, ContactFields.Attributes), name);
            };
        var target = Value(member.Target);
        return scope => Values.Member(target(scope), name);
    }

    private static Func<IExpressionScope, bool> Compare(Comparison comparison)
    {
        var (left, right) = (Value(comparison.Left), Value(comparison.Right));
        if (comparison is { Comparator: Comparator.Equal, Right: Literal { Value: string text } })
            return scope => left(scope) is string found && found == text;
        return comparison.Comparator switch
        {
            Comparator.Equal => scope => Values.Equals(left(scope), right(scope)),
            Comparator.NotEqual => scope => Values.NotEquals(left(scope), right(scope)),
            Comparator.Less => scope => Values.Order(left(scope), right(scope)) < 0,
            Comparator.LessOrEqual => scope => Values.Order(left(scope), right(scope)) <= 0,
            Comparator.Greater => scope => Values.Order(left(scope), right(scope)) > 0,
            _ => scope => Values.Order(left(scope), right(scope)) >= 0,
        };
    }

    private static Func<IExpressionScope, bool> IsIn(In membership)
    {
        var item = Value(membership.Item);
        if (membership.Container is ListLiteral { Items: var items } && items.All(one => one is Literal { Value: string }))
        {
            var names = items.Select(one => (string)((Literal)one).Value!).ToFrozenSet(StringComparer.Ordinal);
            return scope => item(scope) is string name && names.Contains(name);
        }
        var container = Value(membership.Container);
        return scope => Values.Contains(container(scope), item(scope));
    }
}
