namespace MailFlow.Engine.Expressions.Cel;

/// <summary>Walks an expression for what it reads.</summary>
internal static class Requirements
{
    public static ExpressionRequirements Of(Node node)
    {
        var roots = new HashSet<string>();
        var fields = new HashSet<string>();
        var counts = new HashSet<EventCount>();
        Visit(node);
        return new ExpressionRequirements(roots, fields, counts);

        void Visit(Node part)
        {
            switch (part)
            {
                case Now: roots.Add("now"); break;
                case Root { Name: var name }:
                    roots.Add(name);
                    if (name == "contact") fields.Add(ExpressionRequirements.AnyField);
                    break;
                case Member { Target: Root { Name: "contact" }, Name: var field }:
                    roots.Add("contact");
                    fields.Add(field);
                    break;
                case CountEvents { EventType: var type, Window: var window }: counts.Add(new EventCount(type, window)); break;
                default:
                    foreach (var child in Tree.Children(part)) Visit(child);
                    break;
            }
        }
    }
}
