import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { del, get, post } from '@/lib/api-client';
import { keys } from '@/lib/query';
import type { NewTask, OrderedTask, Task } from '@/types/api';

const TASKS = '/api/v1/provisioning/tasks';

export function useTasks(tentacleId: string) {
  return useQuery({
    queryKey: keys.tasks(tentacleId),
    queryFn: async () =>
      (await get<{ tasks: Task[] }>(`${TASKS}?tentacleId=${encodeURIComponent(tentacleId)}`)).tasks,
  });
}

export function useCreateTask() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (task: NewTask) => post<OrderedTask>(TASKS, task),
    onSuccess: (_, task) => queries.invalidateQueries({ queryKey: keys.tasks(task.tentacleId) }),
  });
}

export function useCancelTask(tentacleId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => del(`${TASKS}/${encodeURIComponent(id)}`),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.tasks(tentacleId) }),
  });
}
