// Sends the events given as JSON in the last argument to a topic, keyed by user_id: node send.mjs <bootstrap servers> <topic> <[event, ...]>
import { Kafka, logLevel } from 'kafkajs';

const [servers, topic, events] = process.argv.slice(2);
const producer = new Kafka({ clientId: 'kafkajs', brokers: servers.split(','), logLevel: logLevel.ERROR }).producer();
await producer.connect();
await producer.send({ topic, messages: JSON.parse(events).map((event) => ({ key: event.user_id, value: JSON.stringify(event) })) });
await producer.disconnect();
