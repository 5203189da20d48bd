# docker build -t mailflow .
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
# The web console is built with Node.js; its files are the same on every platform.
COPY --from=node:22-slim /usr/local /usr/local
WORKDIR /source
COPY . .
RUN dotnet publish src/MailFlow.Server -c Release -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app .
# The image's own user, not root; the data directory is its own before a volume is mounted over it.
RUN mkdir /data && chown $APP_UID /data && chmod 700 /data
USER $APP_UID
# The image asks for port 8080 by a variable of its own, which would be warned about at each start.
ENV ASPNETCORE_HTTP_PORTS= ASPNETCORE_URLS=http://0.0.0.0:5080 MailFlow__DataDirectory=/data
VOLUME /data
EXPOSE 5080
ENTRYPOINT ["dotnet", "MailFlow.Server.dll"]
