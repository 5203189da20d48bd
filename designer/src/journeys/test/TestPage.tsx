import { Grid } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useParams } from 'react-router';
import { call } from '../../api/call';
import { Result } from './Result';
import { SetupForm } from './SetupForm';
import { freshSetup, requestOf, type Setup, type Simulation } from './simulation';

/** The journey on a clock that jumps: months in a moment, and nobody is mailed. */
export function TestPage() {
  const { id = '' } = useParams();
  const [setup, setSetup] = useState<Setup>(freshSetup);
  const run = useMutation({
    mutationFn: async () => call<Simulation>('POST', `/journeys/${encodeURIComponent(id)}/simulate`, { body: requestOf(setup) }),
    meta: { quiet: true },
  });
  return (
    <Grid py="md">
      <Grid.Col span={{ base: 12, lg: 4 }}><SetupForm journey={id} setup={setup} onChange={setSetup} onRun={() => run.mutate()} running={run.isPending} /></Grid.Col>
      <Grid.Col span={{ base: 12, lg: 8 }}><Result result={run.data} error={run.error} running={run.isPending} /></Grid.Col>
    </Grid>
  );
}
