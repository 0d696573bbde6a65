/* SPDX-License-Identifier: MIT */
/*
 * An OpenCL program like others: context, queue, buffers, a program that is compiled, a kernel,
 * finish. Every call must succeed. What can be checked is: bytes that go through a buffer come
 * back, events complete in order, clocks advance. The kernel's own result cannot: the simulated GPU
 * executes batches, not programs for execution units.
 */
#include "opencl/check.h"

#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl.h>

#include <stdio.h>
#include <string.h>

enum { COUNT = 4096, ROUNDS = 8 };

static const char source[] = "kernel void add(global uint *a, global const uint *b)\n"
                             "{\n"
                             "    a[get_global_id(0)] += b[get_global_id(0)];\n"
                             "}\n";

static cl_device_id find_device(void)
{
    cl_platform_id platform;
    cl_device_id device;
    cl_device_type type;
    cl_uint vendor;
    char name[256];

    CALL(clGetPlatformIDs, 1, &platform, NULL);
    CALL(clGetDeviceIDs, platform, CL_DEVICE_TYPE_GPU, 1, &device, NULL);
    CALL(clGetDeviceInfo, device, CL_DEVICE_NAME, sizeof(name), name, NULL);
    CALL(clGetDeviceInfo, device, CL_DEVICE_VENDOR_ID, sizeof(vendor), &vendor, NULL);
    CALL(clGetDeviceInfo, device, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
    check_that(vendor == 0x8086, "the device is one of Intel's");
    check_that(type == CL_DEVICE_TYPE_GPU, "the device is a GPU");
    check_that(strstr(name, "9a49") != NULL, "the device is the one of the profile");
    printf("%s\n", name);
    return device;
}

static cl_kernel build_kernel(cl_context context, cl_device_id device)
{
    const char *text = source;
    cl_build_status status;
    cl_uint arguments;
    cl_int error;

    cl_program program = clCreateProgramWithSource(context, 1, &text, NULL, &error);
    check(error, "clCreateProgramWithSource");
    CALL(clBuildProgram, program, 1, &device, "-cl-std=CL2.0", NULL, NULL);
    CALL(clGetProgramBuildInfo, program, device, CL_PROGRAM_BUILD_STATUS, sizeof(status), &status,
         NULL);
    check_that(status == CL_BUILD_SUCCESS, "the program is built");
    cl_kernel kernel = clCreateKernel(program, "add", &error);
    check(error, "clCreateKernel");
    CALL(clGetKernelInfo, kernel, CL_KERNEL_NUM_ARGS, sizeof(arguments), &arguments, NULL);
    check_that(arguments == 2, "the kernel has two arguments");
    CALL(clReleaseProgram, program);
    return kernel;
}

static cl_mem create_buffer(cl_context context)
{
    cl_int error;
    cl_mem buffer =
        clCreateBuffer(context, CL_MEM_READ_WRITE, COUNT * sizeof(cl_uint), NULL, &error);

    check(error, "clCreateBuffer");
    return buffer;
}

/* Through the buffer and back, by copies and by a mapping. */
static void exchange(cl_command_queue queue, cl_mem buffer, cl_uint seed)
{
    static cl_uint out[COUNT], in[COUNT];
    cl_int error;

    for (cl_uint i = 0; i < COUNT; i++)
        out[i] = i * 2654435761u + seed;
    memset(in, 0, sizeof(in));
    CALL(clEnqueueWriteBuffer, queue, buffer, CL_TRUE, 0, sizeof(out), out, 0, NULL, NULL);
    CALL(clEnqueueReadBuffer, queue, buffer, CL_TRUE, 0, sizeof(in), in, 0, NULL, NULL);
    check_that(memcmp(in, out, sizeof(in)) == 0, "the buffer's bytes come back");
    cl_uint *mapped = clEnqueueMapBuffer(queue, buffer, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0,
                                         sizeof(out), 0, NULL, NULL, &error);
    check(error, "clEnqueueMapBuffer");
    check_that(memcmp(mapped, out, sizeof(out)) == 0, "the mapping shows the buffer's bytes");
    mapped[0] = seed;
    CALL(clEnqueueUnmapMemObject, queue, buffer, mapped, 0, NULL, NULL);
    CALL(clEnqueueReadBuffer, queue, buffer, CL_TRUE, 0, sizeof(in[0]), in, 0, NULL, NULL);
    check_that(in[0] == seed, "what was written through the mapping comes back");
}

/* Shared virtual memory: the GPU's address is the CPU's. */
static void share_memory(cl_context context, cl_command_queue queue, cl_kernel kernel)
{
    const size_t size = COUNT * sizeof(cl_uint), items = COUNT;
    cl_uint *memory = clSVMAlloc(context, CL_MEM_READ_WRITE, size, 0);

    check_that(memory != NULL, "there is shared virtual memory");
    CALL(clEnqueueSVMMap, queue, CL_TRUE, CL_MAP_WRITE, memory, size, 0, NULL, NULL);
    memory[COUNT - 1] = 0x5ca1ab1e;
    CALL(clEnqueueSVMUnmap, queue, memory, 0, NULL, NULL);
    CALL(clSetKernelArgSVMPointer, kernel, 0, memory);
    CALL(clSetKernelArgSVMPointer, kernel, 1, memory);
    CALL(clEnqueueNDRangeKernel, queue, kernel, 1, NULL, &items, NULL, 0, NULL, NULL);
    CALL(clFinish, queue);
    CALL(clEnqueueSVMMap, queue, CL_TRUE, CL_MAP_READ, memory, size, 0, NULL, NULL);
    check_that(memory[COUNT - 1] == 0x5ca1ab1e, "shared memory keeps what the CPU wrote");
    CALL(clEnqueueSVMUnmap, queue, memory, 0, NULL, NULL);
    CALL(clFinish, queue);
    clSVMFree(context, memory);
}

/* Clocks of device and host go on. */
static void ask_clocks(cl_device_id device)
{
    cl_ulong before[2], after[2];

    CALL(clGetDeviceAndHostTimer, device, &before[0], &before[1]);
    CALL(clGetDeviceAndHostTimer, device, &after[0], &after[1]);
    check_that(before[0] > 0 && after[0] >= before[0], "the device's clock goes on");
    check_that(before[1] > 0 && after[1] > before[1], "the host's clock goes on");
}

static cl_ulong when(cl_event event, cl_profiling_info what)
{
    cl_ulong time;

    CALL(clGetEventProfilingInfo, event, what, sizeof(time), &time, NULL);
    return time;
}

/* Two kernels, the second behind the first. The GPU writes start and end of each; the driver sets
 * each event's clocks by two looks of its own, so that times of different events are not compared.
 */
static void run_kernels(cl_command_queue queue, cl_kernel kernel, cl_mem a, cl_mem b)
{
    const size_t items = COUNT;
    cl_event first, second;
    cl_int status;

    CALL(clSetKernelArg, kernel, 0, sizeof(a), &a);
    CALL(clSetKernelArg, kernel, 1, sizeof(b), &b);
    CALL(clEnqueueNDRangeKernel, queue, kernel, 1, NULL, &items, NULL, 0, NULL, &first);
    CALL(clEnqueueNDRangeKernel, queue, kernel, 1, NULL, &items, NULL, 1, &first, &second);
    CALL(clFinish, queue);
    CALL(clGetEventInfo, second, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(status), &status, NULL);
    check_that(status == CL_COMPLETE, "the kernel's event is complete after clFinish");
    check_that(when(first, CL_PROFILING_COMMAND_QUEUED) <= when(first, CL_PROFILING_COMMAND_SUBMIT),
               "a kernel is submitted after it was queued");
    check_that(when(first, CL_PROFILING_COMMAND_START) <= when(first, CL_PROFILING_COMMAND_END),
               "a kernel ends after its start");
    check_that(when(first, CL_PROFILING_COMMAND_SUBMIT) <= when(first, CL_PROFILING_COMMAND_START),
               "a kernel starts after it was submitted");
    CALL(clReleaseEvent, first);
    CALL(clReleaseEvent, second);
}

int main(void)
{
    const cl_queue_properties properties[] = {CL_QUEUE_PROPERTIES, CL_QUEUE_PROFILING_ENABLE, 0};
    cl_device_id device = find_device();
    cl_int error;

    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
    check(error, "clCreateContext");
    cl_command_queue queue =
        clCreateCommandQueueWithProperties(context, device, properties, &error);
    check(error, "clCreateCommandQueueWithProperties");
    cl_mem a = create_buffer(context), b = create_buffer(context);
    cl_kernel kernel = build_kernel(context, device);
    for (cl_uint round = 0; round < ROUNDS; round++) {
        exchange(queue, a, round);
        run_kernels(queue, kernel, a, b);
    }
    share_memory(context, queue, kernel);
    ask_clocks(device);
    CALL(clReleaseKernel, kernel);
    CALL(clReleaseMemObject, a);
    CALL(clReleaseMemObject, b);
    CALL(clReleaseCommandQueue, queue);
    CALL(clReleaseContext, context);
    puts("every call succeeded");
    return 0;
}
