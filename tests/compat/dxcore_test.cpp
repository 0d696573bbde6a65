// SPDX-License-Identifier: MIT
// DXCore as C++ programs see it that are compiled with DirectX-Headers: adapters of a profile, their properties, their
// order, and everything that is refused.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <initializer_list>

extern "C" {
#include <cmocka.h>
}

#include <wsl/winadapter.h>

#include <directx/dxcore.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <d3dkmt/d3dkmt.h>

// What the templates of the headers take as __uuidof; Debian's leave it to programs.
__CRT_UUID_DECL(IDXCoreAdapterFactory, 0x78ee5945, 0xc36e, 0x4b13, 0xa6, 0x69, 0x00, 0x5d, 0xd1, 0x1c, 0x0f, 0x06)
__CRT_UUID_DECL(IDXCoreAdapterList, 0x526c7776, 0x40e9, 0x459b, 0xb7, 0x11, 0xf3, 0x2a, 0xd7, 0x6d, 0xfc, 0x28)
__CRT_UUID_DECL(IDXCoreAdapter, 0xf0db4c7f, 0xfe5a, 0x42a2, 0xbd, 0x62, 0xf2, 0xa6, 0xcf, 0x6f, 0xc8, 0x3e)

// Newer headers declare these two; the ones of Debian 12 do not. Not in the anonymous namespace, where a compiler sees
// that nobody implements them.
struct Factory1 : IDXCoreAdapterFactory {
    virtual HRESULT CreateAdapterListByWorkload(uint32_t workload, uint32_t runtimes, uint32_t hardware, REFIID iid,
                                                void **list) = 0;
};

struct Adapter1 : IDXCoreAdapter {
    virtual HRESULT GetPropertyWithInput(DXCoreAdapterProperty property, size_t input_size, const void *input,
                                         size_t output_size, void *output) = 0;
};

namespace {

struct EngineName {
    uint32_t physical_adapter, engine, length;
    wchar_t *name;
};

const GUID iid_factory1 = {0xd5682e19, 0x6d21, 0x401c, {0x82, 0x7a, 0x9a, 0x51, 0xa4, 0xea, 0x35, 0xd7}};
const GUID iid_adapter1 = {0xa0783366, 0xcfa3, 0x43be, {0x9d, 0x79, 0x55, 0xb2, 0xda, 0x97, 0xc6, 0x3c}};
const GUID hardware_type_gpu = {0xb69eb219, 0x3ded, 0x4464, {0x97, 0x9f, 0xa0, 0x0b, 0xd4, 0x68, 0x70, 0x06}};
const GUID hardware_type_accelerator = {
    0xe0b195da, 0x58ef, 0x4a22, {0x90, 0xf1, 0x1f, 0x28, 0x16, 0x9c, 0xab, 0x8d}};
const GUID nobodys = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
const auto engine_count = static_cast<DXCoreAdapterProperty>(16);
const auto engine_name = static_cast<DXCoreAdapterProperty>(17);
const auto physical_adapter_count = static_cast<DXCoreAdapterProperty>(15);
const auto no_property = static_cast<DXCoreAdapterProperty>(1000);

const uint32_t integrated = 0x1001, discrete = 0x1002, accelerator = 0x1003;

IDXCoreAdapterFactory *new_factory()
{
    IDXCoreAdapterFactory *factory = nullptr;

    assert_int_equal(DXCoreCreateAdapterFactory(&factory), S_OK);
    assert_non_null(factory);
    return factory;
}

IDXCoreAdapterList *new_list(const GUID &attribute)
{
    IDXCoreAdapterFactory *factory = new_factory();
    IDXCoreAdapterList *list = nullptr;

    assert_int_equal(factory->CreateAdapterList(1, &attribute, &list), S_OK);
    factory->Release();
    return list;
}

IDXCoreAdapter *new_adapter(uint32_t luid)
{
    IDXCoreAdapterFactory *factory = new_factory();
    IDXCoreAdapter *adapter = nullptr;

    assert_int_equal(factory->GetAdapterByLuid(LUID{luid, 0}, &adapter), S_OK);
    factory->Release();
    return adapter;
}

uint32_t luid_of(IDXCoreAdapter *adapter)
{
    LUID luid = {0, 0};

    assert_int_equal(adapter->GetProperty(DXCoreAdapterProperty::InstanceLuid, &luid), S_OK);
    assert_int_equal(luid.HighPart, 0);
    return luid.LowPart;
}

uint32_t luid_at(IDXCoreAdapterList *list, uint32_t index)
{
    IDXCoreAdapter *adapter = nullptr;

    assert_int_equal(list->GetAdapter(index, &adapter), S_OK);
    uint32_t luid = luid_of(adapter);
    adapter->Release();
    return luid;
}

template <class T> T property(IDXCoreAdapter *adapter, DXCoreAdapterProperty name)
{
    T value;
    size_t size = 0;

    memset(&value, 0xee, sizeof(value));
    assert_true(adapter->IsPropertySupported(name));
    assert_int_equal(adapter->GetPropertySize(name, &size), S_OK);
    assert_int_equal(size, sizeof(value));
    assert_int_equal(adapter->GetProperty(name, &value), S_OK);
    return value;
}

// ---- lists

void lists_hold_the_adapters_that_have_all_attributes(void **)
{
    IDXCoreAdapterList *graphics = new_list(DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS);
    IDXCoreAdapterList *compute = new_list(DXCORE_ADAPTER_ATTRIBUTE_D3D12_CORE_COMPUTE);
    IDXCoreAdapterList *both = nullptr;
    IDXCoreAdapterFactory *factory = new_factory();
    const GUID attributes[] = {DXCORE_ADAPTER_ATTRIBUTE_D3D12_CORE_COMPUTE, hardware_type_accelerator};

    assert_int_equal(graphics->GetAdapterCount(), 2);
    assert_int_equal(luid_at(graphics, 0), integrated);
    assert_int_equal(luid_at(graphics, 1), discrete);
    assert_int_equal(compute->GetAdapterCount(), 3);
    assert_int_equal(luid_at(compute, 2), accelerator);
    assert_int_equal(factory->CreateAdapterList(2, attributes, &both), S_OK);
    assert_int_equal(both->GetAdapterCount(), 1);
    assert_int_equal(luid_at(both, 0), accelerator);
    both->Release();
    factory->Release();
    compute->Release();
    graphics->Release();
}

// There is no Direct3D 11 on Linux, and nobody's attribute is nobody's.
void lists_without_adapters_are_lists(void **)
{
    for (const GUID *attribute : {&DXCORE_ADAPTER_ATTRIBUTE_D3D11_GRAPHICS, &nobodys}) {
        IDXCoreAdapterList *list = new_list(*attribute);

        assert_int_equal(list->GetAdapterCount(), 0);
        assert_false(list->IsStale());
        list->Release();
    }
}

void workloads_and_filters_choose_adapters(void **)
{
    const struct {
        uint32_t workload, runtimes, hardware, count;
    } cases[] = {
        {0, 0, 0, 2}, {1, 0, 0, 3},   {2, 0, 0, 1}, {3, 2, 0, 3}, {1, 3, 1, 2},
        {1, 0, 2, 1}, {1, 0, 1 | 2, 3}, {1, 1, 0, 0}, {1, 0, 4, 0}, {0, 0, 2, 0},
    };
    IDXCoreAdapterFactory *factory = new_factory();
    Factory1 *factory1 = nullptr;
    IDXCoreAdapterList *list = nullptr;
    auto any = reinterpret_cast<void **>(&list);

    assert_int_equal(factory->QueryInterface(iid_factory1, reinterpret_cast<void **>(&factory1)), S_OK);
    for (const auto &c : cases) {
        assert_int_equal(factory1->CreateAdapterListByWorkload(c.workload, c.runtimes, c.hardware,
                                                               IID_IDXCoreAdapterList, any),
                         S_OK);
        assert_int_equal(list->GetAdapterCount(), c.count);
        list->Release();
    }
    assert_int_equal(factory1->CreateAdapterListByWorkload(4, 0, 0, IID_IDXCoreAdapterList, any), E_INVALIDARG);
    assert_int_equal(factory1->CreateAdapterListByWorkload(0, 4, 0, IID_IDXCoreAdapterList, any), E_INVALIDARG);
    assert_int_equal(factory1->CreateAdapterListByWorkload(0, 0, 16, IID_IDXCoreAdapterList, any), E_INVALIDARG);
    assert_int_equal(factory1->CreateAdapterListByWorkload(0, 0, 0, IID_IDXCoreAdapterList, nullptr), E_POINTER);
    assert_null(list);
    factory1->Release();
    factory->Release();
}

void sorting_puts_the_preferred_adapters_first(void **)
{
    using Preference = DXCoreAdapterPreference;
    const Preference power[] = {Preference::Hardware, Preference::MinimumPower};
    const Preference speed[] = {static_cast<Preference>(77), Preference::HighPerformance};
    IDXCoreAdapterList *list = new_list(DXCORE_ADAPTER_ATTRIBUTE_D3D12_CORE_COMPUTE);

    assert_true(list->IsAdapterPreferenceSupported(Preference::HighPerformance));
    assert_false(list->IsAdapterPreferenceSupported(speed[0]));
    assert_int_equal(list->Sort(2, speed), S_OK); // one that is not known is ignored
    assert_int_equal(luid_at(list, 0), discrete);
    assert_int_equal(luid_at(list, 1), integrated);
    assert_int_equal(luid_at(list, 2), accelerator);
    assert_int_equal(list->Sort(2, power), S_OK);
    assert_int_equal(luid_at(list, 0), integrated);
    assert_int_equal(luid_at(list, 2), discrete);
    assert_int_equal(list->Sort(0, power), E_INVALIDARG);
    assert_int_equal(list->Sort(1, nullptr), E_INVALIDARG);
    list->Release();
}

void a_list_gives_the_same_objects_each_time(void **)
{
    IDXCoreAdapterList *list = new_list(DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS);
    IDXCoreAdapter *first = nullptr, *again = nullptr;

    assert_int_equal(list->GetAdapter(0, &first), S_OK);
    assert_int_equal(list->GetAdapter(0, &again), S_OK);
    assert_ptr_equal(first, again);
    again->Release();
    // NEO releases the list while it holds the adapter, and the other way round.
    list->Release();
    assert_int_equal(luid_of(first), integrated);
    assert_int_equal(first->Release(), 0);
}

// ---- adapters

void properties_are_what_the_adapter_answers(void **)
{
    using Property = DXCoreAdapterProperty;
    IDXCoreAdapter *adapter = new_adapter(integrated);

    assert_int_equal(property<uint64_t>(adapter, Property::DriverVersion), 0x001f000000651032);
    assert_int_equal(property<uint32_t>(adapter, Property::KmdModelVersion), 3100);
    assert_int_equal(property<uint64_t>(adapter, Property::DedicatedAdapterMemory), 134217728);
    assert_int_equal(property<uint64_t>(adapter, Property::DedicatedSystemMemory), 0);
    assert_int_equal(property<uint64_t>(adapter, Property::SharedSystemMemory), 268435456);
    assert_int_equal(property<uint32_t>(adapter, physical_adapter_count), 1);
    assert_true(property<bool>(adapter, Property::IsHardware));
    assert_true(property<bool>(adapter, Property::IsIntegrated));
    assert_false(property<bool>(adapter, Property::IsDetachable));
    assert_false(property<bool>(adapter, Property::AcgCompatible));
    auto id = property<DXCoreHardwareID>(adapter, Property::HardwareID);
    assert_int_equal(id.vendorID, 0x8086);
    assert_int_equal(id.deviceID, 0x9a49);
    assert_int_equal(id.subSysID, 0x0a3e1028);
    assert_int_equal(id.revision, 3);
    auto parts = property<DXCoreHardwareIDParts>(adapter, Property::HardwareIDParts);
    assert_int_equal(parts.vendorID, 0x8086);
    assert_int_equal(parts.subSystemID, 0x0a3e);
    assert_int_equal(parts.subVendorID, 0x1028);
    assert_int_equal(parts.revisionID, 3);
    adapter->Release();
}

// Mesa hands over 256 bytes whatever the size.
void descriptions_are_utf8_and_take_larger_buffers(void **)
{
    static const char expected[] = "Kleine Grafik \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80";
    IDXCoreAdapter *adapter = new_adapter(integrated);
    char text[256];
    size_t size = 0;

    memset(text, 0xee, sizeof(text));
    assert_int_equal(adapter->GetPropertySize(DXCoreAdapterProperty::DriverDescription, &size), S_OK);
    assert_int_equal(size, sizeof(expected));
    assert_int_equal(adapter->GetProperty(DXCoreAdapterProperty::DriverDescription, sizeof(text), text), S_OK);
    assert_string_equal(text, expected);
    assert_int_equal(adapter->GetProperty(DXCoreAdapterProperty::DriverDescription, size - 1, text), E_INVALIDARG);
    adapter->Release();
}

void adapters_without_hybrid_halves_tell_by_their_memory(void **)
{
    IDXCoreAdapter *large = new_adapter(discrete), *compute = new_adapter(accelerator);

    assert_false(property<bool>(large, DXCoreAdapterProperty::IsIntegrated));
    assert_true(property<bool>(large, DXCoreAdapterProperty::IsDetachable));
    assert_int_equal(property<uint16_t>(large, DXCoreAdapterProperty::GraphicsPreemptionGranularity), 300);
    assert_int_equal(property<uint16_t>(large, DXCoreAdapterProperty::ComputePreemptionGranularity), 400);
    assert_true(property<bool>(compute, DXCoreAdapterProperty::IsIntegrated)); // all of it in one group
    assert_true(large->IsAttributeSupported(hardware_type_gpu));
    assert_false(large->IsAttributeSupported(hardware_type_accelerator));
    assert_false(compute->IsAttributeSupported(DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS));
    assert_true(compute->IsAttributeSupported(DXCORE_ADAPTER_ATTRIBUTE_D3D12_CORE_COMPUTE));
    compute->Release();
    large->Release();
}

void engines_have_numbers_and_names(void **)
{
    const wchar_t *const names[] = {L"3D", L"Video Decode", L"Dreams"};
    IDXCoreAdapter *adapter = new_adapter(integrated);
    Adapter1 *adapter1 = nullptr;
    uint32_t index = 0, count = 0;

    assert_int_equal(adapter->QueryInterface(iid_adapter1, reinterpret_cast<void **>(&adapter1)), S_OK);
    assert_int_equal(adapter1->GetPropertyWithInput(engine_count, sizeof(index), &index, sizeof(count), &count), S_OK);
    assert_int_equal(count, 3);
    for (uint32_t i = 0; i < count; i++) {
        wchar_t text[5] = L"....";
        EngineName input = {0, i, 5, text};
        uint32_t length = 0;

        assert_int_equal(adapter1->GetPropertyWithInput(engine_name, sizeof(input), &input, sizeof(length), &length),
                         S_OK);
        assert_int_equal(length, wcslen(names[i]) + 1);
        assert_int_equal(wcsncmp(text, names[i], wcslen(text)), 0);
        assert_int_equal(wcslen(text), length > 5 ? 4 : length - 1);
    }
    EngineName behind = {0, 3, 0, nullptr};
    assert_int_equal(adapter1->GetPropertyWithInput(engine_name, sizeof(behind), &behind, sizeof(count), &count),
                     E_INVALIDARG);
    index = 1;
    assert_int_equal(adapter1->GetPropertyWithInput(engine_count, sizeof(index), &index, sizeof(count), &count),
                     E_INVALIDARG);
    assert_int_equal(adapter1->GetPropertyWithInput(engine_count, 3, &index, sizeof(count), &count), E_INVALIDARG);
    assert_int_equal(adapter1->GetPropertyWithInput(engine_count, sizeof(index), nullptr, sizeof(count), &count),
                     E_POINTER);
    assert_int_equal(adapter->GetProperty(engine_count, sizeof(count), &count), E_INVALIDARG);
    adapter1->Release();
    adapter->Release();
}

void the_budget_is_that_of_the_process(void **)
{
    const DXCoreAdapterMemoryBudgetNodeSegmentGroup local = {0, DXCoreSegmentGroup::Local};
    const DXCoreAdapterMemoryBudgetNodeSegmentGroup wrong = {0, static_cast<DXCoreSegmentGroup>(2)};
    IDXCoreAdapter *adapter = new_adapter(discrete);
    DXCoreAdapterMemoryBudget budget = {};

    assert_true(adapter->IsQueryStateSupported(DXCoreAdapterState::AdapterMemoryBudget));
    assert_int_equal(adapter->QueryState(DXCoreAdapterState::AdapterMemoryBudget, &local, &budget), S_OK);
    assert_true(budget.budget > 0 && budget.budget <= 536870912);
    assert_int_equal(budget.currentUsage, 0);
    assert_int_equal(budget.currentReservation, 0);
    assert_true(budget.availableForReservation <= budget.budget);
    assert_int_equal(adapter->QueryState(DXCoreAdapterState::AdapterMemoryBudget, &wrong, &budget), E_INVALIDARG);
    assert_int_equal(adapter->QueryState(DXCoreAdapterState::AdapterMemoryBudget, &budget), E_POINTER);
    adapter->Release();
}

// The simulated host does not update drivers, and no state can be set.
void what_the_adapter_does_not_tell_is_not_supported(void **)
{
    IDXCoreAdapter *adapter = new_adapter(integrated);
    const auto behind = static_cast<DXCoreAdapterState>(11);
    bool updating = true;
    uint16_t granularity = 0;

    assert_false(adapter->IsQueryStateSupported(DXCoreAdapterState::IsDriverUpdateInProgress));
    assert_int_equal(adapter->QueryState(DXCoreAdapterState::IsDriverUpdateInProgress, &updating),
                     DXGI_ERROR_UNSUPPORTED);
    assert_int_equal(adapter->QueryState(behind, &updating), DXGI_ERROR_INVALID_CALL);
    assert_false(adapter->IsSetStateSupported(DXCoreAdapterState::AdapterMemoryBudget));
    assert_int_equal(adapter->SetState(DXCoreAdapterState::AdapterMemoryBudget, &updating, &updating),
                     DXGI_ERROR_UNSUPPORTED);
    assert_int_equal(adapter->SetState(behind, &updating, &updating), DXGI_ERROR_INVALID_CALL);
    assert_false(adapter->IsPropertySupported(DXCoreAdapterProperty::ComputePreemptionGranularity));
    assert_int_equal(adapter->GetProperty(DXCoreAdapterProperty::ComputePreemptionGranularity, &granularity),
                     DXGI_ERROR_UNSUPPORTED);
    assert_false(adapter->IsPropertySupported(no_property));
    assert_int_equal(adapter->GetProperty(no_property, &granularity), DXGI_ERROR_INVALID_CALL);
    adapter->Release();
}

// ---- refusals

void interfaces_are_found_by_their_own_names_only(void **)
{
    IDXCoreAdapterFactory *factory = new_factory();
    IDXCoreAdapterList *list = new_list(DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS);
    IDXCoreAdapter *adapter = new_adapter(integrated);
    IUnknown *objects[] = {factory, list, adapter};
    void *found = factory;

    for (IUnknown *object : objects) {
        assert_int_equal(object->QueryInterface(IID_IUnknown, &found), S_OK);
        assert_ptr_equal(found, object);
        object->Release();
        assert_int_equal(object->QueryInterface(nobodys, &found), E_NOINTERFACE);
        assert_null(found);
        assert_int_equal(object->QueryInterface(IID_IUnknown, nullptr), E_POINTER);
    }
    assert_int_equal(list->QueryInterface(IID_IDXCoreAdapter, &found), E_NOINTERFACE);
    assert_int_equal(DXCoreCreateAdapterFactory(nobodys, &found), E_NOINTERFACE);
    assert_int_equal(DXCoreCreateAdapterFactory(IID_IDXCoreAdapterFactory, nullptr), E_POINTER);
    assert_int_equal(list->GetFactory(IID_IDXCoreAdapterFactory, &found), S_OK);
    assert_ptr_equal(found, factory);
    factory->Release();
    assert_int_equal(adapter->GetFactory(IID_IDXCoreAdapterFactory, nullptr), E_POINTER);
    adapter->Release();
    list->Release();
    factory->Release();
}

void bad_arguments_are_told_in_words(void **)
{
    const GUID *graphics = &DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS;
    IDXCoreAdapterFactory *factory = new_factory();
    IDXCoreAdapterList *list = new_list(*graphics);
    IDXCoreAdapter *adapter = new_adapter(integrated);
    void *found = nullptr;

    assert_int_equal(factory->CreateAdapterList(0, graphics, IID_IDXCoreAdapterList, &found), E_INVALIDARG);
    assert_int_equal(factory->CreateAdapterList(1, nullptr, IID_IDXCoreAdapterList, &found), E_INVALIDARG);
    assert_non_null(strstr(d3dkmt_last_error(), "IDXCoreAdapterFactory::CreateAdapterList: at least one attribute"));
    assert_int_equal(factory->CreateAdapterList(1, graphics, IID_IDXCoreAdapterList, nullptr), E_POINTER);
    assert_int_equal(factory->CreateAdapterList(1, graphics, nobodys, &found), E_NOINTERFACE);
    assert_int_equal(factory->GetAdapterByLuid(LUID{0x77, 0}, IID_IDXCoreAdapter, &found), E_INVALIDARG);
    assert_non_null(strstr(d3dkmt_last_error(), "no adapter with this LUID"));
    assert_int_equal(factory->GetAdapterByLuid(LUID{integrated, 0}, IID_IDXCoreAdapter, nullptr), E_POINTER);
    assert_int_equal(factory->GetAdapterByLuid(LUID{integrated, 0}, nobodys, &found), E_NOINTERFACE);
    assert_int_equal(list->GetAdapter(2, IID_IDXCoreAdapter, &found), E_INVALIDARG);
    assert_int_equal(list->GetAdapter(0, IID_IDXCoreAdapter, nullptr), E_POINTER);
    assert_int_equal(adapter->GetProperty(DXCoreAdapterProperty::IsHardware, 1, nullptr), E_POINTER);
    assert_int_equal(adapter->GetPropertySize(DXCoreAdapterProperty::IsHardware, nullptr), E_POINTER);
    assert_null(found);
    adapter->Release();
    list->Release();
    factory->Release();
}

void ignore(DXCoreNotificationType, IUnknown *, void *)
{
}

void notifications_are_refused(void **)
{
    const auto stale = DXCoreNotificationType::AdapterListStale;
    IDXCoreAdapterFactory *factory = new_factory();
    IDXCoreAdapterList *list = new_list(DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS);
    uint32_t cookie = 7;

    assert_false(factory->IsNotificationTypeSupported(stale));
    assert_int_equal(factory->RegisterEventNotification(list, stale, ignore, nullptr, &cookie),
                     DXGI_ERROR_INVALID_CALL);
    assert_int_equal(cookie, 0);
    assert_int_equal(factory->RegisterEventNotification(nullptr, stale, ignore, nullptr, &cookie), E_INVALIDARG);
    assert_int_equal(factory->RegisterEventNotification(list, stale, nullptr, nullptr, &cookie), E_POINTER);
    assert_int_equal(factory->UnregisterEventNotification(1), E_INVALIDARG);
    list->Release();
    factory->Release();
}

// ---- threads and processes

struct Shared {
    IDXCoreAdapterList *list;
    bool failed;
};

// One sorts while others take adapters; lists come and go.
void *use_list(void *context)
{
    const DXCoreAdapterPreference preferences[] = {DXCoreAdapterPreference::HighPerformance,
                                                   DXCoreAdapterPreference::MinimumPower};
    auto shared = static_cast<Shared *>(context);

    for (uint32_t round = 0; round < 100; round++) {
        IDXCoreAdapterFactory *factory = nullptr;
        IDXCoreAdapterList *other = nullptr;
        IDXCoreAdapter *adapter = nullptr;
        bool hardware = false;

        bool well = shared->list->Sort(1, &preferences[round % 2]) == S_OK &&
                    shared->list->GetAdapter(round % 3, &adapter) == S_OK &&
                    adapter->GetProperty(DXCoreAdapterProperty::IsHardware, &hardware) == S_OK && hardware &&
                    adapter->IsValid() && !shared->list->IsStale() && shared->list->GetFactory(&factory) == S_OK &&
                    factory->CreateAdapterList(1, &DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS, &other) == S_OK;
        for (IUnknown *object : std::initializer_list<IUnknown *>{factory, other, adapter}) {
            if (object)
                object->Release();
        }
        if (!well)
            __atomic_store_n(&shared->failed, true, __ATOMIC_RELAXED);
    }
    return nullptr;
}

void threads_share_lists_and_adapters(void **)
{
    Shared shared = {new_list(DXCORE_ADAPTER_ATTRIBUTE_D3D12_CORE_COMPUTE), false};
    pthread_t threads[4];

    for (pthread_t &thread : threads)
        assert_int_equal(pthread_create(&thread, nullptr, use_list, &shared), 0);
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
    assert_false(shared.failed);
    assert_int_equal(shared.list->Release(), 0);
}

// Objects hold no handles: they are as good in a child as in its parent.
void a_forked_child_uses_what_it_inherits(void **)
{
    IDXCoreAdapterList *list = new_list(DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS);
    IDXCoreAdapter *adapter = new_adapter(discrete);
    int status = -1;

    pid_t child = fork();
    if (child == 0) {
        const DXCoreAdapterMemoryBudgetNodeSegmentGroup local = {0, DXCoreSegmentGroup::Local};
        DXCoreAdapterMemoryBudget budget;

        _exit(adapter->IsValid() && !list->IsStale() &&
                      adapter->QueryState(DXCoreAdapterState::AdapterMemoryBudget, &local, &budget) == S_OK
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(adapter->IsValid());
    adapter->Release();
    list->Release();
}

// ---- backends that come and go

void objects_outlive_the_library_s_device(void **)
{
    IDXCoreAdapterList *list = new_list(DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS);
    IDXCoreAdapter *adapter = new_adapter(discrete);

    D3DKMTCloseDxCoreDevice();
    assert_true(adapter->IsValid()); // it is opened again
    assert_false(list->IsStale());
    D3DKMTCloseDxCoreDevice();
    assert_int_equal(d3dkmt_open("loopback:adapters=2"), STATUS_SUCCESS); // other adapters
    assert_false(adapter->IsValid());
    assert_true(list->IsStale());
    assert_int_equal(property<uint64_t>(adapter, DXCoreAdapterProperty::DedicatedAdapterMemory), 536870912);
    const DXCoreAdapterMemoryBudgetNodeSegmentGroup local = {0, DXCoreSegmentGroup::Local};
    DXCoreAdapterMemoryBudget budget;
    assert_int_equal(adapter->QueryState(DXCoreAdapterState::AdapterMemoryBudget, &local, &budget),
                     DXGI_ERROR_DEVICE_REMOVED);
    D3DKMTCloseDxCoreDevice();
    adapter->Release();
    list->Release();
}

// A wrong configuration is no empty machine.
void a_backend_that_does_not_open_is_an_error(void **)
{
    IDXCoreAdapterFactory *factory = new_factory();
    void *list = factory;
    char kept[1024];

    snprintf(kept, sizeof(kept), "%s", getenv("D3DKMT_BACKEND"));
    D3DKMTCloseDxCoreDevice();
    setenv("D3DKMT_BACKEND", "loopback:nonsense", 1);
    assert_true(factory->CreateAdapterList(1, &DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS, IID_IDXCoreAdapterList,
                                           &list) < 0);
    assert_null(list);
    assert_non_null(strstr(d3dkmt_last_error(), "nonsense"));
    setenv("D3DKMT_BACKEND", kept, 1);
    IDXCoreAdapterList *good = new_list(DXCORE_ADAPTER_ATTRIBUTE_D3D12_GRAPHICS);
    assert_int_equal(good->GetAdapterCount(), 2);
    good->Release();
    factory->Release();
}

} // namespace

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_hold_the_adapters_that_have_all_attributes),
        cmocka_unit_test(lists_without_adapters_are_lists),
        cmocka_unit_test(workloads_and_filters_choose_adapters),
        cmocka_unit_test(sorting_puts_the_preferred_adapters_first),
        cmocka_unit_test(a_list_gives_the_same_objects_each_time),
        cmocka_unit_test(properties_are_what_the_adapter_answers),
        cmocka_unit_test(descriptions_are_utf8_and_take_larger_buffers),
        cmocka_unit_test(adapters_without_hybrid_halves_tell_by_their_memory),
        cmocka_unit_test(engines_have_numbers_and_names),
        cmocka_unit_test(the_budget_is_that_of_the_process),
        cmocka_unit_test(what_the_adapter_does_not_tell_is_not_supported),
        cmocka_unit_test(interfaces_are_found_by_their_own_names_only),
        cmocka_unit_test(bad_arguments_are_told_in_words),
        cmocka_unit_test(notifications_are_refused),
        cmocka_unit_test(threads_share_lists_and_adapters),
        cmocka_unit_test(a_forked_child_uses_what_it_inherits),
        cmocka_unit_test(objects_outlive_the_library_s_device),
        cmocka_unit_test(a_backend_that_does_not_open_is_an_error),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
